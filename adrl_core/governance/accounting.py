"""What noise adds up to, counted by OpenDP: epsilon of a step, an episode, a training."""

from typing import Any

from adrl_core.governance.privacy import FEATURES
from adrl_core.market.presets import STEPS


def composed_epsilon(scale: float, steps: int = STEPS, episodes: int = 1) -> float:
    """Epsilon after FEATURES numbers were released in each step of each episode, by basic composition.

    The sum of the parts, as it holds for whoever is in all of them, for noise chosen adaptively too (Dwork &
    Roth 2014, theorem 3.16). OpenDP rounds up in the last digits.

    Args:
        scale: of the Laplace noise, in units of each feature's sensitivity.
        steps: released in an episode.
        episodes: of the same person.
    """
    return float(_composed(_laplace(scale), steps, episodes).map(1.0))


def approximate_epsilon(scale: float, delta: float, steps: int = STEPS, episodes: int = 1) -> float:
    """Epsilon of the same releases if it may fail with a chance delta: no more than the basic one if small.

    Each release is eps^2/2 zero-concentrated; these add up to rho and convert to (epsilon, delta) (Bun &
    Steinke 2016; the conversion is OpenDP's, tighter than their rho + 2 sqrt(rho log(1 / delta))).

    Args:
        delta: chance of failure, in (0, 1).
        scale, steps, episodes: as in `composed_epsilon`.
    """
    import opendp.prelude as dp

    concentrated = dp.c.make_pureDP_to_zCDP(_laplace(scale))
    profile = dp.c.make_zCDP_to_approxDP(_composed(concentrated, steps, episodes)).map(1.0)
    return float(profile.epsilon(delta))


def _laplace(scale: float) -> Any:
    """OpenDP's Laplace mechanism on one number, whose sensitivity is the unit of distance."""
    import opendp.prelude as dp

    dp.enable_features("contrib")
    space = dp.atom_domain(T=float, nan=False), dp.absolute_distance(T=float)
    return dp.m.make_laplace(*space, scale=scale)


def _composed(release: Any, steps: int, episodes: int) -> Any:
    import opendp.prelude as dp

    for times in (FEATURES, steps, episodes):
        release = dp.c.make_composition([release] * times)
    return release
