import torch

from nextstroke.nets.softmax import expected_log_loss, log_loss


def test_log_loss_is_that_of_a_categorical_distribution():
    y, target = torch.randn(2, 5, 7, dtype=torch.float64), torch.randint(0, 7, (2, 5))
    expected = -torch.distributions.Categorical(logits=y).log_prob(target)
    torch.testing.assert_close(log_loss(y, target), expected)


def test_the_derivative_is_the_probability_less_one_at_the_target():
    """Equation 14."""
    y, target = torch.randn(1, 3, 4, dtype=torch.float64, requires_grad=True), torch.tensor([[2, 0, 3]])
    log_loss(y, target).sum().backward()
    expected = y.detach().softmax(2) - torch.nn.functional.one_hot(target, 4)
    torch.testing.assert_close(y.grad, expected)


def test_symbols_after_the_end_cost_nothing():
    y = torch.randn(1, 3, 4)
    assert log_loss(y, torch.tensor([[1, -1, -1]]))[0, 1:].tolist() == [0, 0]


def test_a_teacher_that_is_sure_of_what_came_teaches_what_the_text_does():
    y, target = torch.randn(2, 3, 4, dtype=torch.float64), torch.tensor([[2, 0, 3], [1, 1, 0]])
    sure = torch.nn.functional.one_hot(target, 4).half()
    torch.testing.assert_close(expected_log_loss(y, sure), log_loss(y, target))


def test_the_derivative_under_a_teacher_is_the_probability_less_what_it_expects():
    y, expected = torch.randn(1, 3, 4, dtype=torch.float64, requires_grad=True), torch.rand(1, 3, 4).softmax(2)
    expected_log_loss(y, expected).sum().backward()
    torch.testing.assert_close(y.grad, y.detach().softmax(2) - expected.double())
