import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_absa.decoding.calibration import Calibration

calibrations = st.builds(Calibration, st.floats(0.05, 20), st.floats(-20, 20), st.floats(0.05, 20))
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_by_hand():
    # Odds of 1 to 4, to the power of 1/2, times 3: 3 to 2.
    calibration = Calibration(slope=0.5, offset=numpy.log(3), temperature=2)
    assert calibration.scores(numpy.array([0.2])) == pytest.approx([0.6])
    # Roots of .04 and .16: one third and two thirds.
    assert calibration.shares(numpy.array([[0.04, 0.16]]))[0] == pytest.approx([1 / 3, 2 / 3])


@given(calibrations, probabilities)
def test_scores_stay_probabilities_in_their_order(calibration, values):
    scores = calibration.scores(numpy.sort(values))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (numpy.diff(scores) >= -1e-12).all()


@given(calibrations, st.integers(1, 4), st.data())
def test_shares_sum_to_one_in_their_order(calibration, n_labels, data):
    row = st.lists(st.floats(0, 1), min_size=n_labels, max_size=n_labels)
    joint = numpy.array(data.draw(st.lists(row, min_size=1, max_size=5)))
    shares = calibration.shares(joint)
    assert shares.sum(axis=1) == pytest.approx(1)
    order = joint.argsort(axis=1, kind="stable")
    assert (numpy.diff(numpy.take_along_axis(shares, order, axis=1)) >= -1e-12).all()


def test_the_defaults_change_nothing():
    joint = numpy.array([[0.0, 1.0], [0.25, 0.5], [1e-300, 1e-300], [0.0, 0.0]])
    assert Calibration().scores(joint).tolist() == joint.tolist()
    shares = [[0, 1], [1 / 3, 2 / 3], [0.5, 0.5], [0.5, 0.5]]
    assert Calibration().shares(joint) == pytest.approx(numpy.array(shares))


def test_rounding_does_not_lead_out_of_bounds():
    assert Calibration(0.5, 1.0).scores(numpy.array([1 + 1e-15])).tolist() == [1]
