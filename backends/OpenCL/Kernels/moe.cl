// The steps of moe_ffn around its products: pairs (token, j) sorted by expert, so that an expert's weights are read once for all its
// tokens, and the weighted sum of the experts' outputs.

#ifdef SORTS
// starts[e] .. starts[e + 1] - 1 are the places in `order` of expert e's pairs, in their own order. One group; a lane counts for every
// WG-th expert. Scalar equivalent: a counting sort. An index out of range, against the contract, goes to an expert at the edge.
kernel GROUP void sort_pairs(TENSOR(index), TENSOR(starts), TENSOR(order), int pairs, int experts)
{
    global const int *of = DATA(const int, index);
    global int *start = DATA(int, starts);
    global int *sorted = DATA(int, order);
    int lane = (int)get_local_id(0);
    for (int e = lane; e < experts; e += WG)
    {
        int count = 0;
        for (int p = 0; p < pairs; p++)
        {
            count += clamp(of[p], 0, experts - 1) == e;
        }
        start[e + 1] = count;
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (lane == 0)
    {
        start[0] = 0;
        for (int e = 0; e < experts; e++)
        {
            start[e + 1] += start[e];
        }
    }
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (int e = lane; e < experts; e += WG)
    {
        int at = start[e];
        for (int p = 0; p < pairs; p++)
        {
            if (clamp(of[p], 0, experts - 1) == e)
            {
                sorted[at++] = p;
            }
        }
    }
}

#endif

#ifdef COMBINES
// y[t, c] = sum over j in order of weights[t, j] x[t k + j, c]. An item takes BLOCK columns of a token.
kernel GROUP void combine(TENSOR(x), TENSOR(weights), TENSOR(y), int k, int columns, int blocks, long items)
{
    long item = (long)get_global_id(0);
    if (item >= items)
    {
        return;
    }
    long token = item / blocks;
    int first = (int)(item - token * blocks) * BLOCK;
    global const float *px = DATA(const float, x) + token * k * columns;
    global const float *pw = DATA(const float, weights) + token * k;
    for (int c = first; c < min(first + BLOCK, columns); c++)
    {
        float sum = 0;
        for (int j = 0; j < k; j++)
        {
            sum = MAD(pw[j], px[(long)j * columns + c], sum);
        }
        DATA(float, y)[token * columns + c] = sum;
    }
}
#endif
