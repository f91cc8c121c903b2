"""Text to ink: the sampler, the choice among candidates, hands, composition of pages, bulk writing.

No torch.
"""
