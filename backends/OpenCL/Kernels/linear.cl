// linear, and the products of moe_ffn: y[m, n] = sum over k of x[m, k] w[n, k] (+ bias[n]), w of any type W, x in f32.
//
// A group makes NP columns for all rows of x; its lanes take every WG-th 32 elements. One row of x is bandwidth-bound: each row of w is
// run through from end to end in four chains of eight lanes, for memory is read fastest in one stream. More rows: a tile of 4 rows of x
// by 4 of w, 16 accumulators of eight lanes, over w where it lies; and with PANEL (groups of single items) and more than 4 rows, over the
// group's NP rows of w widened into local memory, once for all rows of x.
// Scalar equivalent: y[m, n] = sum of x[m, k] * w[n, k], the partial sums of the lanes added at the end in a fixed order.
//
// INDEXED: the rows of group_id(1)'s expert e are the pairs order[starts[e]] .. order[starts[e + 1] - 1]; pair p reads row p / divisor
// of x and writes row p of y.

#define NR 4
#define MR 4

#define PART(r, c) PASTE(part, W)(b##r, unit, d##r, c)

#define UNIT(r)                                          \
    global const uchar *b##r = PASTE(unit, W)(w##r, unit); \
    float2 d##r = PASTE(scale, W)(b##r, unit);

#define FOUR_ROWS(v, r)          \
    {                            \
        float8 v_##r = v;        \
        s0##r = MAD(v_##r, a0, s0##r); \
        s1##r = MAD(v_##r, a1, s1##r); \
        s2##r = MAD(v_##r, a2, s2##r); \
        s3##r = MAD(v_##r, a3, s3##r); \
    }

#define FOUR_STEP(c)                          \
    {                                         \
        float8 a0 = vload8(4 * unit + c, x0); \
        float8 a1 = vload8(4 * unit + c, x1); \
        float8 a2 = vload8(4 * unit + c, x2); \
        float8 a3 = vload8(4 * unit + c, x3); \
        FOUR_ROWS(PART(0, c), 0)              \
        FOUR_ROWS(PART(1, c), 1)              \
        FOUR_ROWS(PART(2, c), 2)              \
        FOUR_ROWS(PART(3, c), 3)              \
    }

#define FOUR_SUMS                                 \
    float8 s00 = 0, s01 = 0, s02 = 0, s03 = 0;    \
    float8 s10 = 0, s11 = 0, s12 = 0, s13 = 0;    \
    float8 s20 = 0, s21 = 0, s22 = 0, s23 = 0;    \
    float8 s30 = 0, s31 = 0, s32 = 0, s33 = 0;

#define FOUR_TOTALS(i) \
    vstore4((float4)(lanes_of(s##i##0), lanes_of(s##i##1), lanes_of(s##i##2), lanes_of(s##i##3)), i, out);

// w[0] . x[0] over this lane's elements.
inline float dot_row(global const uchar *w0, global const float *x0, int k)
{
    int lane = (int)get_local_id(0);
    float8 s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int unit = lane; unit < k / 32; unit += WG)
    {
        UNIT(0)
        s0 = MAD(PART(0, 0), vload8(4 * unit, x0), s0);
        s1 = MAD(PART(0, 1), vload8(4 * unit + 1, x0), s1);
        s2 = MAD(PART(0, 2), vload8(4 * unit + 2, x0), s2);
        s3 = MAD(PART(0, 3), vload8(4 * unit + 3, x0), s3);
    }
    float sum = lanes_of((s0 + s1) + (s2 + s3));
    for (int j = k / 32 * 32 + lane; j < k; j += WG)
    {
        sum = MAD(PASTE(load, W)(w0, j), x0[j], sum);
    }
    return sum;
}

// out[i * NR + r] = x[i] . w[r] over this lane's elements, for one row of x, and for four.

inline void dot_one(global const uchar *w0, global const uchar *w1, global const uchar *w2, global const uchar *w3, global const float *x0, int k,
                    float *out)
{
    out[0] = dot_row(w0, x0, k);
    out[1] = dot_row(w1, x0, k);
    out[2] = dot_row(w2, x0, k);
    out[3] = dot_row(w3, x0, k);
}

inline void dot_four(global const uchar *w0, global const uchar *w1, global const uchar *w2, global const uchar *w3, global const float *x0,
                     global const float *x1, global const float *x2, global const float *x3, int k, float *out)
{
    int lane = (int)get_local_id(0);
    FOUR_SUMS
    for (int unit = lane; unit < k / 32; unit += WG)
    {
        UNIT(0) UNIT(1) UNIT(2) UNIT(3)
        FOUR_STEP(0) FOUR_STEP(1) FOUR_STEP(2) FOUR_STEP(3)
    }
    FOUR_TOTALS(0) FOUR_TOTALS(1) FOUR_TOTALS(2) FOUR_TOTALS(3)
    for (int j = k / 32 * 32 + lane; j < k; j += WG)
    {
        float4 v = (float4)(PASTE(load, W)(w0, j), PASTE(load, W)(w1, j), PASTE(load, W)(w2, j), PASTE(load, W)(w3, j));
        vstore4(MAD(v, (float4)x0[j], vload4(0, out)), 0, out);
        vstore4(MAD(v, (float4)x1[j], vload4(1, out)), 1, out);
        vstore4(MAD(v, (float4)x2[j], vload4(2, out)), 2, out);
        vstore4(MAD(v, (float4)x3[j], vload4(3, out)), 3, out);
    }
}

#if PANEL
// The same from four rows of w that are widened already.
inline void dot_panel(local const float *w, int pitch, global const float *x0, global const float *x1, global const float *x2,
                      global const float *x3, int k, float *out)
{
    FOUR_SUMS
    for (int j = 0; j < k / 32 * 4; j++)
    {
        float8 a0 = vload8(j, x0);
        float8 a1 = vload8(j, x1);
        float8 a2 = vload8(j, x2);
        float8 a3 = vload8(j, x3);
        FOUR_ROWS(vload8(j, w), 0)
        FOUR_ROWS(vload8(j, w + pitch), 1)
        FOUR_ROWS(vload8(j, w + 2 * pitch), 2)
        FOUR_ROWS(vload8(j, w + 3 * pitch), 3)
    }
    FOUR_TOTALS(0) FOUR_TOTALS(1) FOUR_TOTALS(2) FOUR_TOTALS(3)
    for (int j = k / 32 * 32; j < k; j++)
    {
        float4 v = (float4)(w[j], w[pitch + j], w[2 * pitch + j], w[3 * pitch + j]);
        vstore4(MAD(v, (float4)x0[j], vload4(0, out)), 0, out);
        vstore4(MAD(v, (float4)x1[j], vload4(1, out)), 1, out);
        vstore4(MAD(v, (float4)x2[j], vload4(2, out)), 2, out);
        vstore4(MAD(v, (float4)x3[j], vload4(3, out)), 3, out);
    }
}

inline void widen(global const uchar *row, local float *to, int k)
{
    for (int unit = 0; unit < k / 32; unit++)
    {
        global const uchar *x = PASTE(unit, W)(row, unit);
        float2 scale = PASTE(scale, W)(x, unit);
        vstore8(PASTE(part, W)(x, unit, scale, 0), 4 * unit, to);
        vstore8(PASTE(part, W)(x, unit, scale, 1), 4 * unit + 1, to);
        vstore8(PASTE(part, W)(x, unit, scale, 2), 4 * unit + 2, to);
        vstore8(PASTE(part, W)(x, unit, scale, 3), 4 * unit + 3, to);
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
            widen(pw + (long)(n0 + min(r, columns - 1)) * row_bytes, panel + r * pitch, k);
        }
    }
#endif
#if WG > 1
    local float places[MR * NR * WG];
#endif
// Rows and columns that are not there repeat the last.
#define W_ROW(r) (pw + (long)(n0 + min(r0 + r, columns - 1)) * row_bytes)
#ifdef INDEXED
#define X_ROW(i) (px + (long)(list[min(m0 + i, count - 1)] / divisor) * k)
#define Y_ROW(i) (py + (long)list[m0 + i] * pitch_y + column + n0)
#else
#define X_ROW(i) (px + (long)min(m0 + i, count - 1) * k)
#define Y_ROW(i) (py + (long)(m0 + i) * pitch_y + column + n0)
#endif
    for (int m0 = 0; m0 < count; m0 += MR)
    {
        global const float *x0 = X_ROW(0), *x1 = X_ROW(1), *x2 = X_ROW(2), *x3 = X_ROW(3);
        for (int r0 = 0; r0 < columns; r0 += NR)
        {
            float out[MR * NR];
#if PANEL
            if (count > MR)
            {
                dot_panel(panel + r0 * pitch, pitch, x0, x1, x2, x3, k, out);
            }
            else
#endif
            if (count - m0 == 1)
            {
                dot_one(W_ROW(0), W_ROW(1), W_ROW(2), W_ROW(3), x0, k, out);
            }
            else
            {
                dot_four(W_ROW(0), W_ROW(1), W_ROW(2), W_ROW(3), x0, x1, x2, x3, k, out);
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
                    Y_ROW(i / NR)[r] = sum;
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
                    Y_ROW(i)[r0 + r] = sum;
                }
            }
#endif
        }
    }
}
