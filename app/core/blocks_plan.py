"""Writes a block down operation by operation: the pieces that several kinds are made of.

Every function takes a plan, the place below the swapped module and the tensor to read, and returns the tensor made.
Tensor 0 is the block's input; tensor i is the output of the i-th part.
"""

from __future__ import annotations

from app.core.architecture import Convolution
from app.core.blocks_base import Part, convolve, rounded
from app.core.sites import Site


class Plan:
    """The parts of a block, in order of execution.

    Args:
        site: what is replaced.

    Attributes:
        act: the activation that the block inherits.
        parts: what was written down so far.
    """

    def __init__(self, site: Site) -> None:
        self.act = site.act
        self.parts: list[Part] = []
        self._shapes = [(site.c1, site.pixels_in)]

    def channels(self, tensor: int) -> int:
        """Return the channels of a tensor."""
        return self._shapes[tensor][0]

    def done(self) -> tuple[Part, ...]:
        """Return the parts."""
        return tuple(self.parts)

    def conv(
        self,
        suffix: str,
        source: int,
        c2: int,
        k: int = 1,
        s: int = 1,
        *,
        g: int = 1,
        act: bool = True,
        half: bool = False,
        kernel: Convolution | None = None,
        adds: tuple[int, ...] = (),
    ) -> int:
        """Add a convolution with BatchNorm.

        Args:
            suffix: where it lives.
            source: tensor it reads.
            c2: output channels.
            k, s: kernel and stride; the padding keeps the size.
            g: groups.
            act: whether the inherited activation follows.
            half: whether it reads half of the channels, as behind a split.
            kernel: a convolution whose kernel, stride and padding count instead.
            adds: tensors that are added to its output in place.
        """
        channels, pixels = self._shapes[source]
        size, stride, padding = (k, k), (s, s), (k // 2, k // 2)
        if kernel is not None:
            size, stride, padding = kernel.k, kernel.s, kernel.p
        made = Convolution(
            c1=channels // 2 if half else channels,
            c2=c2,
            k=size,
            s=stride,
            p=padding,
            g=g,
            bias=False,
            norm=True,
            act=self.act if act else None,
            pixels=pixels // (stride[0] * stride[1]),
        )
        return self._add(convolve(suffix, made, source, *adds), made.c2, made.pixels)

    def op(self, suffix: str, name: str, sources: tuple[int, ...], channels: int | None = None) -> int:
        """Add an operation that makes a tensor of the size of the first one it reads, of as many channels."""
        first, pixels = self._shapes[sources[0]]
        made = first if channels is None else channels
        return self._add(Part(suffix, None, name, sources, made * pixels), made, pixels)

    def concat(self, suffix: str, *sources: int) -> int:
        """Add a concatenation along the channels."""
        return self.op(suffix, "concat", sources, sum(self.channels(source) for source in sources))

    def squeeze(self, suffix: str, source: int, squeezed: int, acts: tuple[str, str]) -> int:
        """Add a squeeze-and-excitation: every channel times a number that all means together say.

        Args:
            suffix: where it lives.
            source: tensor it reads.
            squeezed: channels in between.
            acts: activations behind its two convolutions.
        """
        channels, _ = self._shapes[source]
        mean = self._add(
            Part(f"{suffix}.avgpool", None, "pool", (source,), 0, channels),
            channels,
            0,
        )
        narrow = self._whole(f"{suffix}.fc1", mean, squeezed, acts[0])
        scale = self._whole(f"{suffix}.fc2", narrow, channels, acts[1])
        return self.op(suffix, "mul", (source, scale))

    def _whole(self, suffix: str, source: int, c2: int, act: str) -> int:
        one = (1, 1)
        conv = Convolution(self.channels(source), c2, one, one, (0, 0), 1, True, False, act, 0, 1)
        return self._add(convolve(suffix, conv, source), c2, 0)

    def _add(self, part: Part, channels: int, pixels: int) -> int:
        self.parts.append(part)
        self._shapes.append((channels, pixels))
        return len(self.parts)


def bottleneck(plan: Plan, at: str, source: int, k: int, ratio: float, shortcut: bool, half: bool) -> int:
    """Add a Bottleneck: two k × k convolutions with `ratio` as many channels between them, and a shortcut.

    Args:
        plan: to add to.
        at: where it lives.
        source: tensor it reads.
        k: kernel of both.
        ratio: inner channels per outer channel.
        shortcut: whether its input is added.
        half: whether it reads half of the channels of `source`.
    """
    channels = plan.channels(source) // 2 if half else plan.channels(source)
    inner = plan.conv(f"{at}.cv1", source, int(channels * ratio), k, half=half)
    made = plan.conv(f"{at}.cv2", inner, channels, k)
    return plan.op(at, "add", (made, source)) if shortcut else made


def ghost_convolution(plan: Plan, at: str, source: int, c2: int, *, act: bool = True) -> int:
    """Add a GhostConv of kernel 1: half of the channels are made by 5 × 5 depthwise filters from the other half."""
    primary = plan.conv(f"{at}.cv1", source, c2 // 2, act=act)
    cheap = plan.conv(f"{at}.cv2", primary, c2 // 2, 5, g=c2 // 2, act=act)
    return plan.concat(at, primary, cheap)


def ghost_bottleneck(plan: Plan, at: str, source: int) -> int:
    """Add a GhostBottleneck of stride 1: two GhostConvs and a shortcut."""
    channels = plan.channels(source)
    inner = ghost_convolution(plan, f"{at}.conv.0", source, channels // 2)
    made = ghost_convolution(plan, f"{at}.conv.2", inner, channels, act=False)
    return plan.op(at, "add", (made, source))


def compact_inverted(
    plan: Plan,
    at: str,
    source: int,
    c2: int,
    inner: int,
    large: bool,
    shortcut: bool,
    half: bool,
    merged: bool,
) -> int:
    """Add a CIB: depthwise, pointwise, depthwise, pointwise, depthwise, and a shortcut where channels allow one.

    Args:
        plan: to add to.
        at: where it lives.
        source: tensor it reads.
        c2: output channels.
        inner: channels in the middle.
        large: whether the depthwise convolution in the middle is 7 × 7 beside 3 × 3.
        shortcut: whether its input is added.
        half: whether it reads half of the channels of `source`.
        merged: whether the two branches in the middle are one.
    """
    c1 = plan.channels(source) // 2 if half else plan.channels(source)
    made = plan.conv(f"{at}.cv1.0", source, c1, 3, g=c1, half=half)
    made = plan.conv(f"{at}.cv1.1", made, inner)
    if not large:
        made = plan.conv(f"{at}.cv1.2", made, inner, 3, g=inner)
    elif merged:
        made = plan.conv(f"{at}.cv1.2.conv", made, inner, 7, g=inner)
    else:
        wide = plan.conv(f"{at}.cv1.2.conv", made, inner, 7, g=inner, act=False)
        near = plan.conv(f"{at}.cv1.2.conv1", made, inner, 3, g=inner, act=False)
        made = plan.op(f"{at}.cv1.2", "add", (wide, near))
    made = plan.conv(f"{at}.cv1.3", made, c2)
    made = plan.conv(f"{at}.cv1.4", made, c2, 3, g=c2)
    return plan.op(at, "add", (made, source), c2) if shortcut and c1 == c2 else made


def hidden_channels(c2: int, percent: int) -> int:
    """Return the inner channels of a C3-like module, a multiple of 8."""
    return rounded(c2 * (percent / 100))
