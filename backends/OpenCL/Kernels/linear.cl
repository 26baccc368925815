// linear, and the products of moe_ffn: y[m, n] = sum over k of x[m, k] w[n, k] (+ bias[n]), w of any type W, x in f32.
//
// A group makes NP columns for all rows of x. Tile: up to 4 rows of x by 4 of w, one vector of eight lanes for each (16 accumulators
// of 8 floats); lanes of a group take every WG-th 32 elements. Few rows read w once, where it lies: bandwidth-bound. Many rows on a
// device whose groups are single items (PANEL) first widen the group's NP rows of w into local memory, once for all rows of x.
// Scalar equivalent: y[m, n] = sum of x[m, k] * w[n, k], the partial sums of eight lanes added at the end. The order of the sums is
// that of k in each lane, the same for any number of rows.
//
// INDEXED: the rows of group_id(1)'s expert e are the pairs order[starts[e]] .. order[starts[e + 1] - 1]; pair p reads row p / divisor
// of x and writes row p of y.

#define NR 4
#define MR 4

// out[i * NR + r] = x[i] . w[r] over this lane's elements, for rows i < mr, a constant.
inline void dot_few(const int mr, global const uchar *const *w, global const float *const *x, int k, float *out)
{
    int lane = (int)get_local_id(0);
    float8 sums[MR * NR];
#pragma unroll
    for (int i = 0; i < mr * NR; i++)
    {
        sums[i] = 0;
    }
    for (int unit = lane; unit < k / 32; unit += WG)
    {
#pragma unroll
        for (int r = 0; r < NR; r++)
        {
            float8 v[4];
            PASTE(load32, W)(w[r], unit, v);
#pragma unroll
            for (int c = 0; c < 4; c++)
            {
#pragma unroll
                for (int i = 0; i < mr; i++)
                {
                    sums[i * NR + r] = MAD(v[c], vload8(4 * unit + c, x[i]), sums[i * NR + r]);
                }
            }
        }
    }
#pragma unroll
    for (int i = 0; i < mr * NR; i++)
    {
        out[i] = lanes_of(sums[i]);
    }
    for (int j = k / 32 * 32 + lane; j < k; j += WG)
    {
#pragma unroll
        for (int i = 0; i < mr * NR; i++)
        {
            out[i] = MAD(PASTE(load, W)(w[i % NR], j), x[i / NR][j], out[i]);
        }
    }
}

#if PANEL
// The same from rows of w that are widened already.
inline void dot_panel(local const float *w, int pitch, global const float *const *x, int k, float *out)
{
    float8 sums[MR * NR];
#pragma unroll
    for (int i = 0; i < MR * NR; i++)
    {
        sums[i] = 0;
    }
    for (int j = 0; j < k / 32 * 4; j++)
    {
        float8 a[MR];
#pragma unroll
        for (int i = 0; i < MR; i++)
        {
            a[i] = vload8(j, x[i]);
        }
#pragma unroll
        for (int r = 0; r < NR; r++)
        {
            float8 b = vload8(j, w + r * pitch);
#pragma unroll
            for (int i = 0; i < MR; i++)
            {
                sums[i * NR + r] = MAD(b, a[i], sums[i * NR + r]);
            }
        }
    }
#pragma unroll
    for (int i = 0; i < MR * NR; i++)
    {
        out[i] = lanes_of(sums[i]);
    }
    for (int j = k / 32 * 32; j < k; j++)
    {
#pragma unroll
        for (int i = 0; i < MR * NR; i++)
        {
            out[i] = MAD(w[i % NR * pitch + j], x[i / NR][j], out[i]);
        }
    }
}

inline void widen(global const uchar *row, local float *to, int k)
{
    for (int unit = 0; unit < k / 32; unit++)
    {
        float8 v[4];
        PASTE(load32, W)(row, unit, v);
#pragma unroll
        for (int c = 0; c < 4; c++)
        {
            vstore8(v[c], 4 * unit + c, to);
        }
    }
    for (int j = k / 32 * 32; j < k; j++)
    {
        to[j] = PASTE(load, W)(row, j);
    }
}
#endif

kernel GROUP void linear(TENSOR(x), TENSOR(w),
#ifdef BIAS
                         TENSOR(bias),
#endif
                         TENSOR(y), int rows, int n, int k, long row_bytes, int pitch_y, int column
#ifdef INDEXED
                         , TENSOR(starts), TENSOR(order), int first_expert, int divisor
#endif
#if PANEL
                         , local float *panel
#endif
)
{
    int n0 = (int)get_group_id(0) * NP;
    global const uchar *pw = DATA(const uchar, w);
    global const float *px = DATA(const float, x);
    global float *py = DATA(float, y);
    int count = rows;
#ifdef INDEXED
    int expert = (int)get_group_id(1);
    global const int *list = DATA(const int, order);
    int start = DATA(const int, starts)[first_expert + expert];
    count = DATA(const int, starts)[first_expert + expert + 1] - start;
    list += start;
    pw += (long)expert * n * row_bytes;
    if (count <= 0)
    {
        return;
    }
#endif
    int columns = min(NP, n - n0);
#if PANEL
    int pitch = (k + 15) / 16 * 16;
    if (count > MR)
    {
        for (int r = 0; r < NP; r++)
        {
            // A panel is always whole: columns that are not there repeat the last.
            widen(pw + (long)(n0 + min(r, columns - 1)) * row_bytes, panel + r * pitch, k);
        }
    }
#endif
#if WG > 1
    local float places[MR * NR * WG];
#endif
    for (int m0 = 0; m0 < count; m0 += MR)
    {
        global const float *xs[MR];
        global float *ys[MR];
#pragma unroll
        for (int i = 0; i < MR; i++)
        {
            long m = min(m0 + i, count - 1);
#ifdef INDEXED
            m = list[m];
            xs[i] = px + m / divisor * k;
#else
            xs[i] = px + m * k;
#endif
            ys[i] = py + m * pitch_y + column + n0;
        }
        for (int r0 = 0; r0 < columns; r0 += NR)
        {
            float out[MR * NR];
#if PANEL
            if (count > MR)
            {
                dot_panel(panel + r0 * pitch, pitch, xs, k, out);
            }
            else
#endif
            {
                global const uchar *ws[NR];
#pragma unroll
                for (int r = 0; r < NR; r++)
                {
                    ws[r] = pw + (long)(n0 + min(r0 + r, columns - 1)) * row_bytes;
                }
                if (count - m0 == 1)
                {
                    dot_few(1, ws, xs, k, out);
                }
                else if (count - m0 == 2)
                {
                    dot_few(2, ws, xs, k, out);
                }
                else
                {
                    dot_few(MR, ws, xs, k, out);
                }
            }
            int valid = min(MR, count - m0);
#if WG > 1
            int lane = (int)get_local_id(0);
            for (int i = 0; i < valid * NR; i++)
            {
                places[i * WG + lane] = out[i];
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int i = lane; i < valid * NR; i += WG)
            {
                float sum = 0;
                for (int l = 0; l < WG; l++)
                {
                    sum += places[i * WG + l];
                }
                int r = r0 + i % NR;
                if (r < columns)
                {
#ifdef BIAS
                    sum += PASTE(load, BIAS)(DATA(const uchar, bias), column + n0 + r);
#endif
                    ys[i / NR][r] = sum;
                }
            }
            barrier(CLK_LOCAL_MEM_FENCE);
#else
            for (int i = 0; i < valid; i++)
            {
                for (int r = 0; r < min(NR, columns - r0); r++)
                {
                    float sum = out[i * NR + r];
#ifdef BIAS
                    sum += PASTE(load, BIAS)(DATA(const uchar, bias), column + n0 + r0 + r);
#endif
                    ys[i][r0 + r] = sum;
                }
            }
#endif
        }
    }
}
