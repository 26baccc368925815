// linear for many rows on a device whose lanes share a group: y[m, n] = sum over k of x[m, k] w[n, k] (+ bias[n]).
//
// Tile: 64 rows of x by 64 columns, 32 deep, both widened and turned in local memory (16 KB); each of the 64 lanes makes 8 x 8 of it (64
// registers of sums). A lane loads one row of each side: 32 elements are a unit of every type. Scalar equivalent: sums over k in order.

#define SIDE 64

#define KEEP(c, v)                                 \
    {                                              \
        float8 v_##c = v;                          \
        global_to_local(side, 8 * c, lane, v_##c); \
    }

inline void global_to_local(local float *side, int k, int lane, float8 v)
{
    side[(k + 0) * SIDE + lane] = v.s0;
    side[(k + 1) * SIDE + lane] = v.s1;
    side[(k + 2) * SIDE + lane] = v.s2;
    side[(k + 3) * SIDE + lane] = v.s3;
    side[(k + 4) * SIDE + lane] = v.s4;
    side[(k + 5) * SIDE + lane] = v.s5;
    side[(k + 6) * SIDE + lane] = v.s6;
    side[(k + 7) * SIDE + lane] = v.s7;
}

#define LOAD_SIDE(name, type)                                                                                  \
    inline void name(global const uchar *row, local float *side, int lane, int unit, int k)                    \
    {                                                                                                          \
        if (32 * unit + 32 <= k)                                                                               \
        {                                                                                                      \
            global const uchar *x = PASTE(unit, type)(row, unit);                                              \
            float2 scale = PASTE(scale, type)(x, unit);                                                        \
            KEEP(0, PASTE(part, type)(x, unit, scale, 0))                                                      \
            KEEP(1, PASTE(part, type)(x, unit, scale, 1))                                                      \
            KEEP(2, PASTE(part, type)(x, unit, scale, 2))                                                      \
            KEEP(3, PASTE(part, type)(x, unit, scale, 3))                                                      \
            return;                                                                                            \
        }                                                                                                      \
        for (int j = 0; j < 32; j++)                                                                           \
        {                                                                                                      \
            side[j * SIDE + lane] = 32 * unit + j < k ? PASTE(load, type)(row, min(32 * unit + j, k - 1)) : 0; \
        }                                                                                                      \
    }

LOAD_SIDE(load_weights, W)
LOAD_SIDE(load_activations, f32)

#define ROW(i) sum##i = MAD((float8)a.s##i, b, sum##i);

#ifdef BIAS
#define WITH_BIAS(c) PASTE(load, BIAS)(DATA(const uchar, bias), column + n + c)
#else
#define WITH_BIAS(c) 0
#endif

#define STORE(i)                                                                                \
    if (m + i < rows)                                                                           \
    {                                                                                           \
        global float *to = DATA(float, y) + (long)(m + i) * pitch_y + column + n;               \
        float out[8];                                                                           \
        vstore8(sum##i, 0, out);                                                                \
        for (int c = 0; c < min(8, columns - n); c++)                                           \
        {                                                                                       \
            to[c] = out[c] + WITH_BIAS(c);                                                      \
        }                                                                                       \
    }

kernel GROUP void linear_tile(TENSOR(x), TENSOR(w),
#ifdef BIAS
                              TENSOR(bias),
#endif
                              TENSOR(y), int rows, int columns, int k, long row_bytes, int pitch_y, int column)
{
    local float weights[32 * SIDE];
    local float activations[32 * SIDE];
    int lane = (int)get_local_id(0);
    int m = (int)get_group_id(1) * SIDE;
    int n = (int)get_group_id(0) * SIDE;

    // Rows that are not there repeat the last, and are not stored.
    global const uchar *px = DATA(const uchar, x) + (long)min(m + lane, rows - 1) * k * 4;
    global const uchar *pw = DATA(const uchar, w) + (long)min(n + lane, columns - 1) * row_bytes;
    float8 sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, sum4 = 0, sum5 = 0, sum6 = 0, sum7 = 0;
    m += lane / 8 * 8;
    n += lane % 8 * 8;
    for (int unit = 0; unit < (k + 31) / 32; unit++)
    {
        load_activations(px, activations, lane, unit, k);
        load_weights(pw, weights, lane, unit, k);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = 0; j < 32; j++)
        {
            float8 a = vload8(8 * j + lane / 8, activations);
            float8 b = vload8(8 * j + lane % 8, weights);
            ROW(0) ROW(1) ROW(2) ROW(3) ROW(4) ROW(5) ROW(6) ROW(7)
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    STORE(0) STORE(1) STORE(2) STORE(3) STORE(4) STORE(5) STORE(6) STORE(7)
}
