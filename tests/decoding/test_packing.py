"""The packed layout."""

import numpy as np
import pytest

from spacy_absa.decoding.packing import pack, unpack


def test_blocks_hold_one_step_of_the_longest_sequences_first():
    packed = pack([np.array([10, 11]), np.array([20, 21, 22]), np.array([30])])
    assert packed.data.tolist() == [20, 10, 30, 21, 11, 22]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.order.tolist() == [1, 0, 2]
    assert packed.ranks.tolist() == [1, 0, 2]
    assert packed.offsets.tolist() == [0, 3, 5]
    assert packed.lengths.tolist() == [3, 2, 1]
    assert packed.last_rows.tolist() == [5, 4, 2]
    assert packed.rows.tolist() == [1, 4, 0, 3, 5, 2]


def test_layout_is_that_of_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(n, 2)) for n in (3, 5, 1, 4)]
    theirs = torch.nn.utils.rnn.pack_sequence(
        [torch.tensor(array) for array in arrays], enforce_sorted=False
    )
    ours = pack(arrays)
    np.testing.assert_array_equal(ours.data, theirs.data.numpy())
    np.testing.assert_array_equal(ours.batch_sizes, theirs.batch_sizes.numpy())
    np.testing.assert_array_equal(ours.order, theirs.sorted_indices.numpy())


@pytest.mark.parametrize("lengths", [[], [0], [0, 0], [1], [2, 0, 5, 5, 1, 0], [0, 3]])
def test_unpack_inverts_pack(lengths):
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=(n, 3)) for n in lengths]
    packed = pack(arrays)
    assert packed.lengths.tolist() == sorted(lengths, reverse=True)
    assert packed.batch_sizes.sum() == sum(lengths)
    again = unpack(packed)
    assert [array.shape for array in again] == [array.shape for array in arrays]
    for array, original in zip(again, arrays, strict=True):
        np.testing.assert_array_equal(array, original)


def test_other_data_unpack_in_the_same_layout():
    packed = pack([np.arange(2), np.arange(3)])
    doubled = unpack(packed.with_data(packed.data * 2))
    assert [array.tolist() for array in doubled] == [[0, 2], [0, 2, 4]]
