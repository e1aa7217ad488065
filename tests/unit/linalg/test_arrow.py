"""Arrow matrices against ordinary linear algebra."""

import numpy as np
import pytest

from nextstat_core.backend import get_backend
from nextstat_core.linalg import ArrowBlock, ArrowMatrix, factorize, share

ROWS = [1, 7]


def masked(ordinary, free):
    """Rows and columns of members that are not free replaced by the identity."""
    both = free[:, :, None] & free[:, None, :]
    return np.where(both, ordinary, 0.0) + np.eye(free.shape[1]) * ~free[:, :, None]


def some_free(rows, n, seed=3):
    return np.random.default_rng(seed).random((rows, n)) < 0.6


def vectors(rows, n, seed=4):
    return np.random.default_rng(seed).normal(size=(rows, n))


def close(backend, actual, expected, scale=1.0):
    found = backend.to_numpy(actual)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("rows", ROWS)
def test_full_matrix_and_its_diagonal_are_in_the_order_of_the_parameters(
    arrow, structure, backend, rows
):
    matrix, ordinary = arrow(structure, rows, backend)
    close(backend, matrix.full(backend), ordinary, np.abs(ordinary).max())
    diagonal = np.diagonal(ordinary, axis1=1, axis2=2)
    close(backend, matrix.diagonal(backend), diagonal, np.abs(ordinary).max())


@pytest.mark.parametrize("rows", ROWS)
def test_product_with_vectors_is_that_of_the_full_matrix(arrow, structure, backend, rows):
    matrix, ordinary = arrow(structure, rows, backend)
    x = vectors(rows, ordinary.shape[1])
    expected = np.einsum("tij,tj->ti", ordinary, x)
    close(backend, matrix.multiply(backend.asarray(x), backend), expected, np.abs(ordinary).max())


@pytest.mark.parametrize("rows", ROWS)
def test_solution_and_inverse_are_those_of_the_full_matrix(arrow, structure, backend, rows):
    matrix, ordinary = arrow(structure, rows, backend)
    factor = factorize(matrix, backend)
    rhs = vectors(rows, ordinary.shape[1])
    inverse = np.linalg.inv(ordinary)
    assert backend.to_numpy(factor.ok).all()
    close(backend, factor.solve(backend.asarray(rhs)), np.einsum("tij,tj->ti", inverse, rhs))
    close(backend, factor.inverse().full(), inverse)
    close(backend, factor.inverse().diagonal(), np.diagonal(inverse, axis1=1, axis2=2))


@pytest.mark.parametrize("rows", ROWS)
def test_masked_members_take_no_part_and_get_zero(arrow, structure, backend, rows):
    matrix, ordinary = arrow(structure, rows, backend)
    n = ordinary.shape[1]
    free, rhs = some_free(rows, n), vectors(rows, n)
    factor = factorize(matrix, backend, free=backend.asarray(free, dtype=backend.xp.bool))
    both = free[:, :, None] & free[:, None, :]
    inverse = np.where(both, np.linalg.inv(masked(ordinary, free)), 0.0)
    assert backend.to_numpy(factor.ok).all()
    close(backend, factor.solve(backend.asarray(rhs)), np.einsum("tij,tj->ti", inverse, rhs))
    close(backend, factor.inverse().full(), inverse)
    close(backend, factor.inverse().diagonal(), np.diagonal(inverse, axis1=1, axis2=2))


@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("rows", ROWS)
def test_damping_is_added_to_the_diagonal_before_elimination(
    arrow, structure, backend, rows, with_mask
):
    matrix, ordinary = arrow(structure, rows, backend)
    n = ordinary.shape[1]
    damping = np.random.default_rng(8).uniform(0.0, 30.0, size=(rows, n))
    free = some_free(rows, n) if with_mask else np.ones((rows, n), dtype=bool)
    mask = backend.asarray(free, dtype=backend.xp.bool) if with_mask else None
    factor = factorize(matrix, backend, free=mask, damping=backend.asarray(damping))
    whole = masked(ordinary + damping[:, :, None] * np.eye(n), free)
    both = free[:, :, None] & free[:, None, :]
    close(backend, factor.inverse().full(), np.where(both, np.linalg.inv(whole), 0.0))


def test_factorizing_changes_neither_matrix_nor_mask_nor_damping(arrow, structure):
    backend = get_backend("numpy")
    matrix, ordinary = arrow(structure, 3, backend)
    n = ordinary.shape[1]
    free, damping, rhs = some_free(3, n), np.ones((3, n)), vectors(3, n)
    before = [x.copy() for x in (free, damping, rhs)]
    for mask in (None, free):
        factorize(matrix, backend, free=mask, damping=damping).solve(rhs)
    np.testing.assert_allclose(matrix.full(backend), ordinary, rtol=1e-14, atol=1e-13)
    for now, then in zip((free, damping, rhs), before, strict=True):
        np.testing.assert_array_equal(now, then)


def negative(matrix):
    blocks = tuple(ArrowBlock(-b.matrices, -b.coupling) for b in matrix.blocks)
    return ArrowMatrix(matrix.shape, -matrix.dense, blocks)


def test_a_matrix_with_all_members_masked_is_the_identity(arrow, structure, backend):
    matrix, ordinary = arrow(structure, 2, backend)
    n = ordinary.shape[1]
    nothing = backend.asarray(np.zeros((2, n), dtype=bool), dtype=backend.xp.bool)
    factor = factorize(negative(matrix), backend, free=nothing)
    assert backend.to_numpy(factor.ok).all()
    solution = backend.to_numpy(factor.solve(backend.asarray(vectors(2, n))))
    np.testing.assert_array_equal(solution, 0.0)


def test_a_negative_matrix_is_reported(arrow, structure, backend):
    matrix, _ = arrow(structure, 3, backend)
    assert not backend.to_numpy(factorize(negative(matrix), backend).ok).any()


def spoilt(matrix, backend, row, member, value):
    """The same with one diagonal element of one row replaced, by parameter."""
    host = [np.array(backend.to_numpy(matrix.dense))]
    host += [np.array(backend.to_numpy(block.matrices)) for block in matrix.blocks]
    place = int(backend.to_numpy(matrix.shape.order)[member])
    if place < matrix.shape.n_dense:
        host[0][row, place, place] = value
    else:
        place -= matrix.shape.n_dense
        for i, (_, n, m) in enumerate(matrix.shape.blocks, start=1):
            if place < n * m:
                host[i][row, place // m, place % m, place % m] = value
                break
            place -= n * m
    blocks = tuple(
        ArrowBlock(backend.asarray(x), block.coupling)
        for x, block in zip(host[1:], matrix.blocks, strict=True)
    )
    return ArrowMatrix(matrix.shape, backend.asarray(host[0]), blocks)


@pytest.mark.parametrize("value", [-1.0, np.nan])
def test_an_indefinite_row_is_reported_and_spoils_no_other(arrow, structure, backend, value):
    matrix, ordinary = arrow(structure, 7, backend)
    n = ordinary.shape[1]
    rhs = backend.asarray(vectors(7, n))
    whole = factorize(matrix, backend)
    good = [0, 1, 2, 4, 5, 6]
    for member in (0, n // 2, n - 1):
        with backend.errstate():
            factor = factorize(spoilt(matrix, backend, 3, member, value), backend)
            ok = backend.to_numpy(factor.ok)
            solution = backend.to_numpy(factor.solve(rhs))
            diagonal = backend.to_numpy(factor.inverse().diagonal())
        np.testing.assert_array_equal(ok, [True, True, True, False, True, True, True])
        expected = backend.to_numpy(whole.solve(rhs))
        np.testing.assert_array_equal(solution[good], expected[good])
        expected = backend.to_numpy(whole.inverse().diagonal())
        np.testing.assert_array_equal(diagonal[good], expected[good])


def test_a_matrix_that_only_its_couplings_make_indefinite_is_reported(arrow, backend):
    matrix, _ = arrow((2, [(3, 1)]), 2, backend)
    ones = backend.xp.ones_like(matrix.blocks[0].coupling)
    block = ArrowBlock(matrix.blocks[0].matrices, 1e3 * ones)
    coupled = ArrowMatrix(matrix.shape, matrix.dense, (block,))
    assert np.linalg.eigvalsh(backend.to_numpy(coupled.full(backend))).min() < 0.0
    assert not backend.to_numpy(factorize(coupled, backend).ok).any()


def test_masking_the_indefinite_member_makes_the_row_fine(arrow, structure, backend):
    matrix, ordinary = arrow(structure, 2, backend)
    n = ordinary.shape[1]
    free = np.ones((2, n), dtype=bool)
    free[:, n - 1] = False
    mask = backend.asarray(free, dtype=backend.xp.bool)
    factor = factorize(spoilt(matrix, backend, 1, n - 1, -5.0), backend, free=mask)
    assert backend.to_numpy(factor.ok).all()
    both = free[:, :, None] & free[:, None, :]
    expected = np.where(both, np.linalg.inv(masked(ordinary, free)), 0.0)
    close(backend, factor.inverse().full(), expected)


@pytest.mark.parametrize("picked", [[4], [5, 0, 5]])
def test_rows_can_be_taken_out_of_a_batch(arrow, structure, backend, picked):
    matrix, ordinary = arrow(structure, 7, backend)
    some = matrix.take(backend.indices(picked), backend)
    close(backend, some.full(backend), ordinary[picked], np.abs(ordinary).max())


@pytest.mark.parametrize("rows", ROWS)
def test_splitting_and_joining_gives_back_the_vector(arrow, structure, backend, rows):
    matrix, ordinary = arrow(structure, rows, backend)
    x = backend.asarray(vectors(rows, ordinary.shape[1]))
    joined = matrix.shape.join(*matrix.shape.split(x, backend), backend)
    np.testing.assert_array_equal(backend.to_numpy(joined), backend.to_numpy(x))


@pytest.mark.parametrize("rows", [*ROWS, 64])
@pytest.mark.parametrize("with_mask", [False, True])
def test_one_inverse_applies_to_many_vectors(arrow, structure, backend, rows, with_mask):
    matrix, ordinary = arrow(structure, 1, backend)
    n = ordinary.shape[1]
    free = some_free(1, n) if with_mask else np.ones((1, n), dtype=bool)
    mask = backend.asarray(free, dtype=backend.xp.bool) if with_mask else None
    factor = factorize(matrix, backend, free=mask)
    x = np.where(free, vectors(rows, n), 0.0)
    expected = np.where(free, x @ np.linalg.inv(masked(ordinary, free))[0], 0.0)
    applied = backend.to_numpy(share(factor.inverse()).apply(backend.asarray(x)))
    np.testing.assert_allclose(np.where(free, applied, 0.0), expected, rtol=0, atol=1e-13)
