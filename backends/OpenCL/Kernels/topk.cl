// top_k, and moe_route on top of it: a group takes a row and looks k times for the largest element after the last one found, in the
// order of value, then lower index; NaN is the least of all. Scalar equivalent: k passes of a linear search.
// moe_route: the choice is among the logits, whose order is that of their softmax before rounding; weights exp(x - max) / sum.

// An order of floats as integers: -0 is 0, and NaN is below -inf.
inline int rank_of(float x)
{
    int bits = as_int(x);
    return isnan(x) ? INT_MIN : x == 0 ? 0 : bits < 0 ? INT_MIN - bits : bits;
}

// Whether (a, i) comes before (b, j).
#define BEFORE(a, i, b, j) ((a) > (b) || ((a) == (b) && (i) < (j)))

inline int find_next(global const float *x, int n, int last_rank, int last_index, local int *ranks, local int *indices)
{
    int lane = (int)get_local_id(0);
    int best = INT_MIN;
    int at = n;
    for (int i = lane; i < n; i += WG)
    {
        int rank = rank_of(x[i]);
        if (BEFORE(last_rank, last_index, rank, i) && (at == n || BEFORE(rank, i, best, at)))
        {
            best = rank;
            at = i;
        }
    }
#if WG > 1
    ranks[lane] = best;
    indices[lane] = at;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_way = WG / 2; half_way > 0; half_way /= 2)
    {
        if (lane < half_way)
        {
            int other = lane + half_way;
            if (indices[other] < n && (indices[lane] == n || BEFORE(ranks[other], indices[other], ranks[lane], indices[lane])))
            {
                ranks[lane] = ranks[other];
                indices[lane] = indices[other];
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    at = indices[0];
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
    return at;
}

#ifdef TOP_K
kernel GROUP void top_k(TENSOR(x), TENSOR(values), TENSOR(index), int n, int k)
{
    local int ranks[WG];
    local int indices[WG];
    long row = (long)get_group_id(0);
    global const float *px = DATA(const float, x) + row * n;
    int rank = INT_MAX;
    int at = -1;
    for (int j = 0; j < k; j++)
    {
        at = find_next(px, n, rank, at, ranks, indices);
        rank = rank_of(px[at]);
        if (get_local_id(0) == 0)
        {
            DATA(float, values)[row * k + j] = px[at];
            DATA(int, index)[row * k + j] = at;
        }
    }
}

#else
kernel GROUP void moe_route(TENSOR(x), TENSOR(weights), TENSOR(index), int n, int k, int renormalise)
{
    local int ranks[WG];
    local int indices[WG];
    local float places[WG];
    long row = (long)get_group_id(0);
    int lane = (int)get_local_id(0);
    global const float *px = DATA(const float, x) + row * n;
    int rank = INT_MAX;
    int at = -1;
    float most = 0;
    float chosen = 0;
    for (int j = 0; j < k; j++)
    {
        at = find_next(px, n, rank, at, ranks, indices);
        rank = rank_of(px[at]);
        most = j == 0 ? px[at] : most;
        float weight = exp(px[at] - most);
        chosen += weight;
        if (lane == 0)
        {
            DATA(float, weights)[row * k + j] = weight;
            DATA(int, index)[row * k + j] = at;
        }
    }
    float all = 0;
    for (int i = lane; i < n; i += WG)
    {
        all += exp(px[i] - most);
    }
    all = sum_over_lanes(all, places);
    float sum = renormalise ? chosen : all;
    if (lane == 0)
    {
        for (int j = 0; j < k; j++)
        {
            DATA(float, weights)[row * k + j] /= sum;
        }
    }
}
#endif
