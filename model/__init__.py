"""Neural networks in NumPy, trained by mini-batch SGD with an L2 penalty, and every part of their cost on record."""

from model.datasets import Dataset, DatasetError, Examples, Split, digits, keep_sent, load, load_exactly, mnist
from model.hyperparameters import Hyperparameters, TrainingPlan
from model.network import Network
from model.probing import Probing
from model.training import EpochRecord, train

__all__ = [
    "Dataset",
    "DatasetError",
    "EpochRecord",
    "Examples",
    "Hyperparameters",
    "Network",
    "Probing",
    "Split",
    "TrainingPlan",
    "digits",
    "keep_sent",
    "load",
    "load_exactly",
    "mnist",
    "train",
]
