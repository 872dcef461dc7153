"""The limit that matrix multiplication sets: the same products as a training, and nothing else."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
OPERANDS = {aten.baddbmm.default: (1, 2), aten.bmm.default: (0, 1)}
"""Positions of the factors among the arguments of a batched product."""

Shape = tuple[torch.Size, tuple[int, ...]]


class ProductCounter(TorchDispatchMode):
    """Counts the batched matrix products run within it, forward and backward, by layout of the factors."""

    def __init__(self) -> None:
        super().__init__()
        self.products: Counter[tuple[Shape, Shape]] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in OPERANDS:
            left, right = (args[i] for i in OPERANDS[func])
            self.products[_layout(left), _layout(right)] += 1
        return func(*args, **(kwargs or {}))


def _layout(tensor: Tensor) -> Shape:
    return tensor.shape, tensor.stride()


def count_products(work: Callable[[], Any]) -> Counter[tuple[Shape, Shape]]:
    """The batched matrix products that some work runs."""
    with ProductCounter() as counter:
        work()
    return counter.products


def time_products(products: Counter[tuple[Shape, Shape]]) -> float:
    """Seconds that the products alone take, one kind after the other."""
    total = 0.0
    for (left, right), count in products.items():
        a, b = (torch.empty_strided(*layout).normal_() for layout in (left, right))
        out = torch.bmm(a, b)
        clock = time.perf_counter()
        for _ in range(count):
            torch.bmm(a, b, out=out)
        total += time.perf_counter() - clock
    return total
