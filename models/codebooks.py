"""Sub-bit weights: each 3 x 3 kernel of a conv is a word of the layer's codebook, and its number is all that is stored.

    kernel = words[argmax over j of words[j] · sign(latent kernel)]      the first of equally near ones

The gradient goes straight through to the latent kernel. Words are learnt too: at every 25th step each has the sum of
the gradients of its kernels, and a sign follows its latent value out of a dead zone; a word that became another's equal
is replaced by the commonest signs of latent kernels that are no word. A channel must not fall, for the complement of a
word is none: gains of the batch-norm behind stay positive.

Source: Wang et al. 2021, "Sub-bit Neural Networks: Learning to Compress and Accelerate Binary Neural Networks",
arXiv 2110.09195; what replaces a word, and the positive gains, are ours.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .layers import KERNEL
from .signs import FewBitConv2d, signs

TAPS = KERNEL**2
EVERY = 25  # steps from one change of the words to the next
DEAD_ZONE = 1e-3
BEGIN = 0.01  # size of a latent word
LEAST_GAIN = 1e-3


class NearestWord(torch.autograd.Function):
    """(rows, channels, 3, 3) words nearest to latent kernels. Gradients: of kernels as it comes, of latent words the
    sum over their kernels, or none.
    """

    @staticmethod
    def forward(ctx: Any, latent: Tensor, latent_words: Tensor, words: Tensor, moves: bool) -> Tensor:
        nearest = (signs(latent).view(-1, TAPS) @ words.T).argmax(dim=1)
        ctx.moves, ctx.count = moves, len(words)
        ctx.save_for_backward(nearest)
        return words[nearest].view_as(latent)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        if not ctx.moves:
            return gradient, None, None, None
        (nearest,) = ctx.saved_tensors
        summed = gradient.new_zeros(ctx.count, TAPS).index_add_(0, nearest, gradient.reshape(-1, TAPS))
        return gradient, summed, None, None


class CodedConv2d(FewBitConv2d):
    """A conv of 1-bit kernels that are words of a codebook.

    latent_words   (2^code_bits, 9) float32, learnt
    words          (2^code_bits, 9) ±1, all different
    steps          of training that were made
    """

    words: Tensor
    steps: Tensor

    def __init__(self, *shape: int, code_bits: int, **options: Any) -> None:
        super().__init__(*shape, **options)
        self.latent_words = nn.Parameter(torch.empty(1 << code_bits, TAPS))
        self.register_buffer("words", torch.empty(1 << code_bits, TAPS))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def draw(self, generator: torch.Generator) -> None:
        """Words at random."""
        self.words.copy_(_word(torch.randperm(1 << TAPS, generator=generator)[: len(self.words)]))
        self.latent_words.copy_(BEGIN * self.words)

    def multiplied(self) -> Tensor:
        if self.floats:
            return super().multiplied()
        moves = self.training and int(self.steps) % EVERY == EVERY - 1
        return NearestWord.apply(self.weight, self.latent_words, self.words, moves)

    @torch.no_grad()
    def settle(self) -> None:
        """After a step: words follow their latent ones."""
        self.steps += 1
        if int(self.steps) % EVERY:
            return
        left = self.latent_words.clamp_(-1, 1).abs() > DEAD_ZONE
        number = _number(torch.where(left, self.latent_words, self.words))
        kernels = torch.bincount(_number(self.weight.view(-1, TAPS)), minlength=1 << TAPS)
        kernels[number] = -1
        for at in range(1, len(number)):
            if number[at] in number[:at]:
                number[at] = kernels.argmax()
                kernels[number[at]] = -1
                self.latent_words[at] = BEGIN * _word(number[at])
        self.words.copy_(_word(number))


def _word(number: Tensor) -> Tensor:
    """(…, 9) ±1, the first from the lowest bit."""
    return ((number[..., None] >> torch.arange(TAPS, device=number.device)) & 1) * 2.0 - 1


def _number(latent: Tensor) -> Tensor:
    """(n,) of (n, 9): the way back from `_word`, for the signs."""
    return ((latent >= 0).long() << torch.arange(TAPS, device=latent.device)).sum(dim=1)


@torch.no_grad()
def settle(net: nn.Module) -> None:
    """After a step, every codebook of a net. In place."""
    for block in net.modules():
        if isinstance(linear := getattr(block, "linear", None), CodedConv2d):
            linear.settle()
            block.norm.weight.clamp_(min=LEAST_GAIN)  # type: ignore[union-attr, operator]


def plain_state(net: nn.Module) -> dict[str, Tensor]:
    """The state of the same net without codebooks: kernels are the words that they are."""
    state = net.state_dict()
    for name, module in net.named_modules():
        if isinstance(module, CodedConv2d):
            state[f"{name}.weight"] = module.multiplied().detach()
            for own in ("latent_words", "words", "steps"):
                del state[f"{name}.{own}"]
    return state
