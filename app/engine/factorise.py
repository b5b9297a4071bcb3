"""Convolutions as products: depthwise filters times pointwise weights, without looking at any data."""

from __future__ import annotations

import torch
from torch import Tensor


def factorise(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return the depthwise filters and pointwise weights nearest to a kernel.

    Input channel i of the kernel, seen as a c2 × k² matrix, is replaced by its best approximation of rank r, the
    leading part of its singular value decomposition (Eckart and Young 1936); √σ goes to either factor. From rank k²
    on (or c2, if that is less) the product is the kernel itself.

    Args:
        weight: c2 × C × k × k.
        rank: filters for each input channel.

    Returns:
        Filters C × r × K and pointwise weights C·r × c2, float64.
    """
    outputs, channels = weight.shape[:2]
    matrices = weight.double().reshape(outputs, channels, -1).permute(1, 0, 2)
    u, sigma, v = torch.linalg.svd(matrices, full_matrices=False)
    taps, kept = matrices.shape[2], min(rank, sigma.shape[1])
    filters = torch.zeros(channels, rank, taps, dtype=torch.float64)
    pointwise = torch.zeros(channels, rank, outputs, dtype=torch.float64)
    root = sigma[:, :kept].sqrt()
    filters[:, :kept] = root[..., None] * v[:, :kept]
    pointwise[:, :kept] = root[..., None] * u[:, :, :kept].transpose(1, 2)
    return filters, pointwise.reshape(channels * rank, outputs)


def project(weight: Tensor, groups: int) -> Tensor:
    """Return the grouped kernel nearest to a dense one: its block diagonal, c2 × C/groups × k × k."""
    outputs, channels = weight.shape[:2]
    blocks = weight.reshape(groups, outputs // groups, groups, channels // groups, *weight.shape[2:])
    index = torch.arange(groups)
    return blocks[index, :, index].reshape(outputs, channels // groups, *weight.shape[2:])


def as_matrix(weight: Tensor) -> Tensor:
    """Return a kernel c2 × C × k × k as C·K × c2 in float64, the shape of `app.engine.least_squares`."""
    return weight.double().permute(1, 2, 3, 0).reshape(-1, weight.shape[0])


def as_kernel(matrix: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return a C·K × c2 matrix as a kernel of `shape` c2 × C × k × k."""
    outputs, channels, high, wide = shape
    return matrix.reshape(channels, high, wide, outputs).permute(3, 0, 1, 2)
