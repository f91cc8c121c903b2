"""The paper's equations word for word, one step and one line at a time, with derivatives left to torch."""

import torch

INF = float("inf")


def shaken(network, size=0.5, dtype=torch.float64):
    """The network with random weights, none of them zero."""
    for weight in network.parameters():
        torch.nn.init.uniform_(weight, -size, size)
    return network.to(dtype)


def clipped(z, clip):
    """`z`, whose derivative will be clipped."""
    if clip < INF and z.requires_grad:
        z.register_hook(lambda dz: dz.clamp(-clip, clip))
    return z


def cell_step(layer, from_below, h, c):
    """Equations 7 to 11; `from_below` is what the layer's input brings to the four gates, biases included."""
    below, recurrent = from_below.chunk(4, -1), layer.recurrent.chunk(4)
    w_ci, w_cf, w_co = layer.peepholes
    i = torch.sigmoid(clipped(below[0] + h @ recurrent[0].T + w_ci * c, layer.clip))
    f = torch.sigmoid(clipped(below[1] + h @ recurrent[1].T + w_cf * c, layer.clip))
    c = f * c + i * torch.tanh(clipped(below[2] + h @ recurrent[2].T, layer.clip))
    o = torch.sigmoid(clipped(below[3] + h @ recurrent[3].T + w_co * c, layer.clip))
    return o * torch.tanh(c), c


def lstm(layer, x, h, c):
    """A layer over `x` (batch, time, inputs)."""
    hidden = []
    for x_t in x.unbind(1):
        h, c = cell_step(layer, x_t @ layer.weight.T + layer.bias, h, c)
        hidden.append(h)
    return torch.stack(hidden, 1), h, c


def windowed(layer, x, text, h, c, w, kappa):
    """Equations 46 to 52 for one line: `x` (time, inputs), `text` without padding. Hidden, w, and the state after."""
    characters = torch.nn.functional.one_hot(text, layer.symbols).to(x.dtype)
    u = torch.arange(1, len(text) + 1, dtype=x.dtype)
    hidden, readings = [], []
    for x_t in x:
        from_below = x_t @ layer.lstm.weight.T + w @ layer.reading.T + layer.lstm.bias
        h, c = cell_step(layer.lstm, from_below, h, c)
        p = clipped(h @ layer.glance.weight.T + layer.glance.bias, layer.window_clip)
        alpha_hat, beta_hat, kappa_hat = p.chunk(3)
        kappa = kappa + kappa_hat.exp()
        phi = (alpha_hat.exp()[:, None] * torch.exp(-beta_hat.exp()[:, None] * (kappa[:, None] - u) ** 2)).sum(0)
        w = phi @ characters
        hidden.append(h)
        readings.append(w)
    return torch.stack(hidden), torch.stack(readings), h, c, w, kappa


def derivatives(outputs, inputs):
    """Derivatives by `inputs` of a fixed random weighting of all `outputs`."""
    generator = torch.Generator().manual_seed(5)
    weigh = [torch.randn(output.shape, generator=generator, dtype=torch.float64).to(output.dtype) for output in outputs]
    total = sum((output * weight).sum() for output, weight in zip(outputs, weigh, strict=True))
    return torch.autograd.grad(total, inputs)
