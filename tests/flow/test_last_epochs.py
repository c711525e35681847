"""What is said of a training's end: its median and range, and whether another last epoch would be another net."""

from __future__ import annotations

from bitneck.flow.folder import RunFolder, history
from bitneck.flow.last_epochs import Ending, ending


def test_the_last_third_is_looked_at_and_no_more_than_a_hundred_epochs():
    assert ending([0.0] * 20 + [0.8] * 9 + [0.9]) == Ending(10, 0.8, 0.8, 0.9)
    assert ending([0.0] * 400 + [0.9] * 100) == Ending(100, 0.9, 0.9, 0.9)


def test_of_a_short_training_or_of_none_nothing_is_said():
    assert ending([0.5, 0.9] * 14) is None
    assert ending([]) is None


def test_a_training_whose_accuracy_moves_by_more_than_ten_points_is_unsteady():
    steady, unsteady = Ending(10, 0.85, 0.88, 0.95), Ending(100, 0.4829, 0.8488, 0.8841)
    assert str(steady) == "of the last 10 epochs the median is 88.00%, from 85.00% to 95.00%"
    assert str(unsteady) == "unsteady: of the last 100 epochs the median is 84.88%, from 48.29% to 88.41%"


def test_the_verb_says_it_beside_the_accuracy(bitneck, tmp_path):
    done = bitneck("train", tmp_path / "twelve", "--preset", "twelve", "--epochs", 30)
    assert done.exit_code == 0, done.output
    said = str(ending([row["test_accuracy"] for row in history(RunFolder(tmp_path / "twelve"))]))
    assert "of the last 10 epochs the median is" in said
    assert said in " ".join(done.output.split())
