// matmul, plain and indexed: y[.., m, n] = sum over k of a[.., m, k] b[.., n, k], any strides of floats, any type of either. Made for
// the products of decompositions, whose operands are views; weights go through linear.cl. An item makes BLOCK columns of a row, one
// sum after the other. Scalar equivalent: sum += a[k] * b[k].

#define BLOCK 8

inline float dot_of(global const uchar *a, long at_a, long step_a, global const uchar *b, long at_b, long step_b, long k)
{
    float sum = 0;
    for (long i = 0; i < k; i++)
    {
        sum = MAD(PASTE(load, A)(a, at_a + i * step_a), PASTE(load, B)(b, at_b + i * step_b), sum);
    }
    return sum;
}

#ifndef INDEXED
// Batch axes, the innermost first: entry i of a meets entry i / group of b.
kernel GROUP void matmul(TENSOR(a), TENSOR(b), TENSOR(y), long items, long m, long n, long k, long8 batch, long8 sa, long8 sb, long8 groups,
                         long4 steps)
{
    long item = (long)get_global_id(0);
    if (item >= items)
    {
        return;
    }
    long blocks = (n + BLOCK - 1) / BLOCK;
    long row = item / blocks;
    long first = (item - row * blocks) * BLOCK;
    long rest = row / m;
    long at_a = (row - rest * m) * steps.x;
    long at_b = 0;
#define BATCH_AXIS(i)                                 \
    {                                                 \
        long entry = rest % batch.s##i;               \
        at_a += entry * sa.s##i;                      \
        at_b += entry / groups.s##i * sb.s##i;        \
        rest /= batch.s##i;                           \
    }
    BATCH_AXIS(0) BATCH_AXIS(1) BATCH_AXIS(2) BATCH_AXIS(3) BATCH_AXIS(4) BATCH_AXIS(5)
    for (long column = first; column < min(first + BLOCK, n); column++)
    {
        DATA(float, y)[row * n + column] =
            dot_of(DATA(const uchar, a), at_a, steps.y, DATA(const uchar, b), at_b + column * steps.z, steps.w, k);
    }
}

#else
// Pair (t, j) of the index: y[t, j, n] = sum over k of a[t, (j,) k] b[index[t, j], n, k].
kernel GROUP void indexed(TENSOR(a), TENSOR(b), TENSOR(index), TENSOR(y), long items, long choices, long experts, long n, long k, long4 sa,
                          long4 sb)
{
    long item = (long)get_global_id(0);
    if (item >= items)
    {
        return;
    }
    long blocks = (n + BLOCK - 1) / BLOCK;
    long pair = item / blocks;
    long first = (item - pair * blocks) * BLOCK;
    long token = pair / choices;
    long expert = clamp((long)DATA(const int, index)[pair], 0L, experts - 1);
    long at_a = token * sa.x + (pair - token * choices) * sa.y;
    for (long column = first; column < min(first + BLOCK, n); column++)
    {
        DATA(float, y)[pair * n + column] =
            dot_of(DATA(const uchar, a), at_a, sa.z, DATA(const uchar, b), expert * sb.x + column * sb.y, sb.z, k);
    }
}
#endif
