"""HistFactory models as environments of gymnasium.

The import registers ``nextstat/HistFactory-v0``, so ``gymnasium.make`` and ``gymnasium.make_vec``
know it; ``nextstat_gym:nextstat/HistFactory-v0`` imports this module by itself.
"""

import gymnasium

from nextstat_gym.agents import Episode, hill_climb, random_agent
from nextstat_gym.environment import HistFactoryEnv, make_histfactory_env
from nextstat_gym.vector import HistFactoryVectorEnv

__all__ = [
    "ENV_ID",
    "Episode",
    "HistFactoryEnv",
    "HistFactoryVectorEnv",
    "hill_climb",
    "make_histfactory_env",
    "random_agent",
]

#: What `gymnasium.make` calls the environment.
ENV_ID = "nextstat/HistFactory-v0"

gymnasium.register(
    id=ENV_ID,
    entry_point="nextstat_gym.environment:HistFactoryEnv",
    vector_entry_point="nextstat_gym.vector:HistFactoryVectorEnv",
)
