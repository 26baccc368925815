// gather_rows and scatter_rows: y[i, :] = (f32)table[index[i], :] and state[index[i], :] = (X)rows[i, :], of any type X. An item moves
// 32 elements of a row: one block of q8_0, an eighth of the large blocks. Scalar equivalent: store(load(j)) for each j.
// An index that is out of range, against the contract, reads a row at the edge, and writes nothing.

#ifndef SCATTERS
kernel GROUP void gather(TENSOR(table), TENSOR(index), TENSOR(y), long rows, long first, long count, int length, long row_bytes, int units,
                         long items)
{
    long item = (long)get_global_id(0);
    if (item >= items)
    {
        return;
    }
    long i = item / units;
    int unit = (int)(item - i * units);
    long wanted = clamp((long)DATA(const int, index)[i], 0L, rows - 1) - first;
    if (wanted < 0 || wanted >= count)
    {
        return;
    }
    global const uchar *row = DATA(const uchar, table) + wanted * row_bytes;
    global float *to = DATA(float, y) + i * length;
    if (32 * unit + 32 <= length)
    {
        global const uchar *x = PASTE(unit, X)(row, unit);
        float2 scale = PASTE(scale, X)(x, unit);
        vstore8(PASTE(part, X)(x, unit, scale, 0), 4 * unit, to);
        vstore8(PASTE(part, X)(x, unit, scale, 1), 4 * unit + 1, to);
        vstore8(PASTE(part, X)(x, unit, scale, 2), 4 * unit + 2, to);
        vstore8(PASTE(part, X)(x, unit, scale, 3), 4 * unit + 3, to);
        return;
    }
    for (int j = 32 * unit; j < length; j++)
    {
        to[j] = PASTE(load, X)(row, j);
    }
}

#else

#define SCATTER_PLAIN(type)                                                                                                  \
    inline void scatter32_##type(global uchar *row, int first, int last, global const float *from)                           \
    {                                                                                                                        \
        for (int j = first; j < last; j++)                                                                                   \
        {                                                                                                                    \
            store_##type(row, j, from[j]);                                                                                   \
        }                                                                                                                    \
    }

SCATTER_PLAIN(f32)
SCATTER_PLAIN(f16)
SCATTER_PLAIN(bf16)

// d = max |x| / 127 as f16; q = x / d to nearest even, at most 127 from 0. Where d is 0 q is 0; where it is not finite all reads as NaN.
inline void scatter32_q8_0(global uchar *row, int first, int last, global const float *from)
{
    global uchar *block = row + (long)(first / 32) * 34;
    float most = 0;
    bool spoilt = false;
    for (int j = first; j < last; j++)
    {
        most = max(most, fabs(from[j]));
        spoilt = spoilt || isnan(from[j]);
    }
    vstore_half_rte(spoilt ? NAN : divide(most, 127.0f), 0, (global half *)block);
    float d = half_at(block, 0);
    bool plain = d != 0 && isfinite(d);
    for (int j = first; j < last; j++)
    {
        float q = plain ? rint(divide(from[j], d)) : 0.0f;
        block[2 + j - first] = (uchar)(char)clamp(q, -127.0f, 127.0f);
    }
}

kernel GROUP void scatter(TENSOR(state), TENSOR(index), TENSOR(x), long rows, int length, long row_bytes, int units, long items)
{
    long item = (long)get_global_id(0);
    if (item >= items)
    {
        return;
    }
    long i = item / units;
    int first = 32 * (int)(item - i * units);
    long to = DATA(const int, index)[i];
    if (to < 0 || to >= rows)
    {
        return;
    }
    PASTE(scatter32, X)(DATA(uchar, state) + to * row_bytes, first, min(first + 32, length), DATA(const float, x) + i * length);
}
#endif
