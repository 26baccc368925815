// What all kernels share: tensors as memory and a byte where they begin, loads and stores of every element type, walks over strided
// tensors, and sums over the lanes of a work-group. OpenCL C 1.2; no doubles, no f16 arithmetic, no generic addresses.
// WG: work-items of a group.

#pragma OPENCL FP_CONTRACT OFF

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)
#define GROUP __attribute__((reqd_work_group_size(WG, 1, 1)))

#define TENSOR(x) global uchar *x##_memory, ulong x##_at
#define DATA(type, x) ((global type *)(x##_memory + x##_at))

#if HAS_FMA
#define MAD(a, b, c) fma(a, b, c)
#else
#define MAD(a, b, c) ((a) * (b) + (c))
#endif

// a / b to nearest: the residual of a quotient that is off by a few units corrects it.
inline float divide(float a, float b)
{
#if EXACT_DIVIDE
    return a / b;
#else
    float q = a / b;
    float corrected = fma(fma(-q, b, a), 1.0f / b, q);
    return isfinite(corrected) ? corrected : q;
#endif
}

// Elements one by one: load_TYPE(memory, element), each operation rounded.

inline float load_f32(global const uchar *x, long i) { return ((global const float *)x)[i]; }
inline float load_f16(global const uchar *x, long i) { return vload_half(i, (global const half *)x); }
inline float load_bf16(global const uchar *x, long i) { return as_float((uint)((global const ushort *)x)[i] << 16); }

inline float load_q8_0(global const uchar *x, long i)
{
    global const uchar *block = x + i / 32 * 34;
    return (float)(char)block[2 + (int)(i % 32)] * vload_half(0, (global const half *)block);
}

inline float load_q4_0(global const uchar *x, long i)
{
    global const uchar *block = x + i / 32 * 18;
    int j = (int)(i % 32);
    int q = (block[2 + j % 16] >> (j / 16 * 4)) & 15;
    return (float)(q - 8) * vload_half(0, (global const half *)block);
}

// Scale and minimum of group g of a q4_k block, 6 bits each.
inline int2 q4_k_scales(global const uchar *s, int g)
{
    return g < 4 ? (int2)(s[g] & 63, s[g + 4] & 63)
                 : (int2)((s[g + 4] & 15) | (s[g - 4] >> 6 << 4), (s[g + 4] >> 4) | (s[g] >> 6 << 4));
}

inline float load_q4_k(global const uchar *x, long i)
{
    global const uchar *block = x + i / 256 * 144;
    int j = (int)(i % 256);
    int g = j / 32;
    int2 scales = q4_k_scales(block + 4, g);
    float step = vload_half(0, (global const half *)block) * (float)scales.x;
    float shift = vload_half(1, (global const half *)block) * (float)scales.y;
    int q = (block[16 + g / 2 * 32 + j % 32] >> (g % 2 * 4)) & 15;
    float scaled = step * (float)q;
    return scaled - shift;
}

inline float load_q6_k(global const uchar *x, long i)
{
    global const uchar *block = x + i / 256 * 210;
    int j = (int)(i % 256);
    int run = j / 32;
    int r = run % 4;
    int low = block[64 * (run / 4) + r % 2 * 32 + j % 32] >> (r / 2 * 4);
    int high = block[128 + 32 * (run / 4) + j % 32] >> (r * 2);
    float step = vload_half(104, (global const half *)block) * (float)(char)block[192 + j / 16];
    return step * (float)(((low & 15) | ((high & 3) << 4)) - 32);
}

// 32 elements at once, as four vectors: load32_TYPE(row, unit, w) for elements 32 unit .. 32 unit + 31 of a row. The same values.

inline void load32_f32(global const uchar *row, int unit, float8 *w)
{
    global const float *x = (global const float *)row + 32 * unit;
    for (int i = 0; i < 4; i++)
    {
        w[i] = vload8(i, x);
    }
}

inline void load32_f16(global const uchar *row, int unit, float8 *w)
{
    global const half *x = (global const half *)row + 32 * unit;
    for (int i = 0; i < 4; i++)
    {
        w[i] = vload_half8(i, x);
    }
}

inline void load32_bf16(global const uchar *row, int unit, float8 *w)
{
    global const ushort *x = (global const ushort *)row + 32 * unit;
    for (int i = 0; i < 4; i++)
    {
        w[i] = as_float8(convert_uint8(vload8(i, x)) << 16);
    }
}

inline void load32_q8_0(global const uchar *row, int unit, float8 *w)
{
    global const uchar *block = row + (long)unit * 34;
    float8 d = (float8)vload_half(0, (global const half *)block);
    for (int i = 0; i < 4; i++)
    {
        w[i] = convert_float8(vload8(i, (global const char *)block + 2)) * d;
    }
}

inline void load32_q4_0(global const uchar *row, int unit, float8 *w)
{
    global const uchar *block = row + (long)unit * 18;
    float8 d = (float8)vload_half(0, (global const half *)block);
    for (int i = 0; i < 2; i++)
    {
        int8 q = convert_int8(vload8(i, block + 2));
        w[i] = convert_float8((q & 15) - 8) * d;
        w[i + 2] = convert_float8((q >> 4) - 8) * d;
    }
}

inline void load32_q4_k(global const uchar *row, int unit, float8 *w)
{
    global const uchar *block = row + (long)(unit / 8) * 144;
    int g = unit % 8;
    int2 scales = q4_k_scales(block + 4, g);
    float8 step = (float8)(vload_half(0, (global const half *)block) * (float)scales.x);
    float8 shift = (float8)(vload_half(1, (global const half *)block) * (float)scales.y);
    for (int i = 0; i < 4; i++)
    {
        int8 q = convert_int8(vload8(i, block + 16 + g / 2 * 32));
        w[i] = step * convert_float8((q >> (g % 2 * 4)) & 15) - shift;
    }
}

inline void load32_q6_k(global const uchar *row, int unit, float8 *w)
{
    global const uchar *block = row + (long)(unit / 8) * 210;
    int run = unit % 8;
    int r = run % 4;
    float d = vload_half(104, (global const half *)block);
    for (int i = 0; i < 4; i++)
    {
        float8 step = (float8)(d * (float)(char)block[192 + 2 * run + i / 2]);
        int8 low = convert_int8(vload8(i, block + 64 * (run / 4) + r % 2 * 32)) >> (r / 2 * 4);
        int8 high = convert_int8(vload8(i, block + 128 + 32 * (run / 4))) >> (r * 2);
        w[i] = step * convert_float8(((low & 15) | ((high & 3) << 4)) - 32);
    }
}

// Stores round to nearest even and overflow to infinity: store_TYPE(memory, element, value).

inline void store_f32(global uchar *y, long i, float x) { ((global float *)y)[i] = x; }
inline void store_f16(global uchar *y, long i, float x) { vstore_half_rte(x, i, (global half *)y); }

inline void store_bf16(global uchar *y, long i, float x)
{
    uint bits = as_uint(x);
    uint rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
    ((global ushort *)y)[i] = (ushort)(isnan(x) ? (bits >> 16) | 0x40 : rounded);
}

// A walk (see Walk.cs): item `unit` takes the elements first .. last - 1 of a row, dims.s7 being the row's length and the strides'
// s7 the steps along it. OFFSET finds where a tensor's row begins.

#define WALK long units, long blocks, int axes, long8 dims

#define WALK_BEGIN                                \
    long unit = (long)get_global_id(0);           \
    if (unit >= units)                            \
        return;                                   \
    long row = unit / blocks;                     \
    long first = (unit - row * blocks) * (BLOCK); \
    long last = min(first + (BLOCK), dims.s7);

inline long walk_offset(long row, int axes, long8 dims, long8 strides)
{
    long at = 0;
#define WALK_AXIS(k)                          \
    if (axes > 0x##k)                         \
    {                                         \
        at += row % dims.s##k * strides.s##k; \
        row /= dims.s##k;                     \
    }
    WALK_AXIS(0) WALK_AXIS(1) WALK_AXIS(2) WALK_AXIS(3) WALK_AXIS(4) WALK_AXIS(5) WALK_AXIS(6)
    return at;
}

#define OFFSET(strides) walk_offset(row, axes, dims, strides)

// Over the lanes of a group, in an order that the size of the group fixes. All lanes get the result.

inline float lanes_of(float8 v)
{
    float4 a = v.lo + v.hi;
    float2 b = a.lo + a.hi;
    return b.x + b.y;
}

#if WG > 1
inline float sum_over_lanes(float x, local float *places)
{
    int lane = (int)get_local_id(0);
    places[lane] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_way = WG / 2; half_way > 0; half_way /= 2)
    {
        if (lane < half_way)
        {
            places[lane] += places[lane + half_way];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    x = places[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return x;
}

inline float max_over_lanes(float x, local float *places)
{
    int lane = (int)get_local_id(0);
    places[lane] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_way = WG / 2; half_way > 0; half_way /= 2)
    {
        if (lane < half_way)
        {
            places[lane] = max(places[lane], places[lane + half_way]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    x = places[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return x;
}
#else
#define sum_over_lanes(x, places) (x)
#define max_over_lanes(x, places) (x)
#endif

