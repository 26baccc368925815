// reduce: y = sum or max over one axis, of any strides. An item makes one element; a sum along memory runs in eight lanes, whose
// totals are added in a fixed order. Scalar equivalent: sum += x[j]; most = max(most, x[j]).
// The walk is over the other axes, in blocks of one element.

#define BLOCK 1

#ifdef SUM
kernel GROUP void sum(TENSOR(x), TENSOR(y), WALK, long8 sx, long8 sy, long count, long stride)
{
    WALK_BEGIN
    global const float *px = DATA(const float, x) + OFFSET(sx) + first * sx.s7;
    float8 lanes = 0;
    float rest = 0;
    long j = 0;
    if (stride == 1)
    {
        for (; j <= count - 8; j += 8)
        {
            lanes += vload8(0, px + j);
        }
    }
    for (; j < count; j++)
    {
        rest += px[j * stride];
    }
    DATA(float, y)[OFFSET(sy) + first * sy.s7] = lanes_of(lanes) + rest;
}

#else
kernel GROUP void largest(TENSOR(x), TENSOR(y), WALK, long8 sx, long8 sy, long count, long stride)
{
    WALK_BEGIN
    global const float *px = DATA(const float, x) + OFFSET(sx) + first * sx.s7;
    float most = -INFINITY;
    for (long j = 0; j < count; j++)
    {
        float value = px[j * stride];
        most = isnan(most) || most >= value ? most : value;
    }
    DATA(float, y)[OFFSET(sy) + first * sy.s7] = most;
}
#endif
