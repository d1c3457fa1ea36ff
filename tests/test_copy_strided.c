/* gti_copy_strided against one element at a time. */
#include "kernel_arrays.h"

typedef struct {
    int ndim;
    int64_t dim[6];
    int xorder[6], yorder[6];    /* memory order of the dimensions, outermost first */
    unsigned broadcast, reverse; /* bit i: dimension i has stride 0 in x; a negative stride in x */
} copying;

static const copying copies[] = {
    {0, {0}, {0}, {0}, 0, 0},
    {1, {1}, {0}, {0}, 0, 0},
    {1, {50}, {0}, {0}, 0, 0},
    {1, {33}, {0}, {0}, 1, 0},
    {1, {33}, {0}, {0}, 0, 1},
    {2, {3, 5}, {1, 0}, {0, 1}, 0, 0},
    {2, {3, 5}, {0, 1}, {1, 0}, 0, 0},
    {2, {67, 35}, {1, 0}, {0, 1}, 0, 0},
    {2, {40, 33}, {1, 0}, {0, 1}, 0, 2},
    {2, {40, 70}, {1, 0}, {0, 1}, 0, 0},
    {2, {3, 200}, {1, 0}, {0, 1}, 0, 0},
    {2, {64, 64}, {1, 0}, {0, 1}, 0, 0},
    {3, {5, 7, 8}, {1, 0, 2}, {0, 1, 2}, 0, 0},
    {3, {5, 70, 2}, {1, 0, 2}, {0, 1, 2}, 0, 0},
    {3, {5, 72, 2}, {1, 0, 2}, {0, 1, 2}, 0, 0},
    {3, {21, 36, 8}, {1, 0, 2}, {0, 1, 2}, 0, 0},
    {3, {3, 5, 33}, {1, 0, 2}, {0, 1, 2}, 0, 0},
    {2, {6, 7}, {0, 1}, {0, 1}, 2, 0},
    {2, {6, 100}, {0, 1}, {0, 1}, 1, 0},
    {3, {4, 1, 9}, {2, 1, 0}, {0, 1, 2}, 0, 0},
    {3, {4, 0, 9}, {2, 1, 0}, {0, 1, 2}, 0, 0},
    {3, {4, 17, 20}, {1, 0, 2}, {0, 1, 2}, 0, 0},
    {3, {5, 17, 20}, {0, 2, 1}, {0, 1, 2}, 0, 4},
    {4, {2, 3, 9, 8}, {0, 2, 3, 1}, {0, 1, 2, 3}, 0, 0},
    {4, {2, 9, 8, 3}, {0, 3, 1, 2}, {0, 1, 2, 3}, 0, 0},
    {4, {2, 9, 8, 3}, {0, 3, 1, 2}, {3, 2, 1, 0}, 2, 1},
    {4, {20, 3, 40, 2}, {3, 2, 1, 0}, {0, 1, 2, 3}, 0, 0},
    {4, {17, 2, 25, 3}, {3, 2, 1, 0}, {0, 1, 2, 3}, 0, 4},
    {6, {2, 3, 2, 3, 2, 5}, {5, 3, 1, 4, 2, 0}, {0, 1, 2, 3, 4, 5}, 0, 0},
    {6, {2, 3, 2, 3, 2, 5}, {1, 0, 2, 3, 4, 5}, {0, 1, 2, 4, 3, 5}, 0, 0},
};

static void strides_of(const copying *c, const int *order, int64_t *stride)
{
    int64_t step = 1;
    for (int i = c->ndim - 1; i >= 0; i--) {
        stride[order[i]] = step;
        step *= c->dim[order[i]] > 0 ? c->dim[order[i]] : 1;
    }
}

static void copy_case(const copying *c, size_t element, int64_t whole)
{
    int64_t xstride[6] = {0}, ystride[6] = {0}, count = 1, origin = 0;
    strides_of(c, c->xorder, xstride);
    strides_of(c, c->yorder, ystride);
    for (int i = 0; i < c->ndim; i++) {
        count *= c->dim[i];
        if (c->broadcast >> i & 1) xstride[i] = 0;
        if (c->reverse >> i & 1) {
            origin += xstride[i] * (c->dim[i] - 1);
            xstride[i] = -xstride[i];
        }
    }
    const array x = new_output(F64, count), y = new_output(F64, (count * (int64_t)element + 7) / 8);
    for (size_t i = 0; i < x.bytes; i++) x.data[i] = (unsigned char)next_random();
    gti_copy_strided(c->ndim, c->dim, element, x.data + origin * (int64_t)element, xstride, y.data,
                     ystride, whole);
    for (int64_t i = 0; i < count; i++) {
        int64_t from = origin, to = 0, rest = i;
        for (int d = c->ndim - 1; d >= 0; d--) {
            from += rest % c->dim[d] * xstride[d];
            to += rest % c->dim[d] * ystride[d];
            rest /= c->dim[d];
        }
        assert_memory_equal(y.data + to * (int64_t)element, x.data + from * (int64_t)element,
                            element);
    }
    free_array(&x);
    free_array(&y);
}

static void test_copy_strided(void **state)
{
    (void)state;
    static const size_t elements[] = {1, 4, 8};
    for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++)
        for (int e = 0; e < 3; e++) {
            copy_case(&copies[i], elements[e], 0);
            copy_case(&copies[i], elements[e], INT64_MAX);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_strided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
