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

// f16 to f32 by its bits: drivers without f16 arithmetic convert slowly.
inline float half_at(global const uchar *x, long i)
{
    uint bits = ((global const ushort *)x)[i];
    uint shifted = (bits & 0x7FFF) << 13;
    uint exponent = bits & 0x7C00;
    float magnitude = exponent == 0 ? (float)(bits & 0x3FF) * 0x1p-24f : as_float(shifted + (exponent == 0x7C00 ? 0x70000000 : 0x38000000));
    return as_float(as_uint(magnitude) | (bits & 0x8000) << 16);
}

inline float8 half8_at(global const uchar *x, long i)
{
    uint8 bits = convert_uint8(vload8(i, (global const ushort *)x));
    uint8 shifted = (bits & 0x7FFF) << 13;
    uint8 exponent = bits & 0x7C00;
    float8 least = convert_float8(as_int8(bits & 0x3FF)) * 0x1p-24f;
    uint8 plain = shifted + select((uint8)0x38000000, (uint8)0x70000000, exponent == 0x7C00);
    uint8 magnitude = select(plain, as_uint8(least), exponent == 0);
    return as_float8(magnitude | (bits & 0x8000) << 16);
}

// Elements one by one: load_TYPE(memory, element), each operation rounded.

inline float load_f32(global const uchar *x, long i) { return ((global const float *)x)[i]; }
inline float load_f16(global const uchar *x, long i) { return half_at(x, i); }
inline float load_bf16(global const uchar *x, long i) { return as_float((uint)((global const ushort *)x)[i] << 16); }

inline float load_q8_0(global const uchar *x, long i)
{
    global const uchar *block = x + i / 32 * 34;
    return (float)(char)block[2 + (int)(i % 32)] * half_at(block, 0);
}

inline float load_q4_0(global const uchar *x, long i)
{
    global const uchar *block = x + i / 32 * 18;
    int j = (int)(i % 32);
    int q = (block[2 + j % 16] >> (j / 16 * 4)) & 15;
    return (float)(q - 8) * half_at(block, 0);
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
    float step = half_at(block, 0) * (float)scales.x;
    float shift = half_at(block, 1) * (float)scales.y;
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
    float step = half_at(block, 104) * (float)(char)block[192 + j / 16];
    return step * (float)(((low & 15) | ((high & 3) << 4)) - 32);
}

// The same values as four vectors of 32 elements, a unit of a row: unit_TYPE finds the unit's bytes, scale_TYPE what its elements
// share, and part_TYPE makes vector c, a literal. Arrays would not stay in registers.

inline global const uchar *unit_f32(global const uchar *row, int unit) { return row + 128L * unit; }
inline float2 scale_f32(global const uchar *x, int unit) { return 0; }
inline float8 part_f32(global const uchar *x, int unit, float2 scale, int c) { return vload8(c, (global const float *)x); }

inline global const uchar *unit_f16(global const uchar *row, int unit) { return row + 64L * unit; }
inline float2 scale_f16(global const uchar *x, int unit) { return 0; }
inline float8 part_f16(global const uchar *x, int unit, float2 scale, int c) { return half8_at(x, c); }

inline global const uchar *unit_bf16(global const uchar *row, int unit) { return row + 64L * unit; }
inline float2 scale_bf16(global const uchar *x, int unit) { return 0; }

inline float8 part_bf16(global const uchar *x, int unit, float2 scale, int c)
{
    return as_float8(convert_uint8(vload8(c, (global const ushort *)x)) << 16);
}

inline global const uchar *unit_q8_0(global const uchar *row, int unit) { return row + 34L * unit; }
inline float2 scale_q8_0(global const uchar *x, int unit) { return half_at(x, 0); }

inline float8 part_q8_0(global const uchar *x, int unit, float2 scale, int c)
{
    return convert_float8(vload8(c, (global const char *)x + 2)) * scale.x;
}

inline global const uchar *unit_q4_0(global const uchar *row, int unit) { return row + 18L * unit; }
inline float2 scale_q4_0(global const uchar *x, int unit) { return half_at(x, 0); }

inline float8 part_q4_0(global const uchar *x, int unit, float2 scale, int c)
{
    int8 q = convert_int8(vload8(c % 2, x + 2));
    return convert_float8(((q >> (c / 2 * 4)) & 15) - 8) * scale.x;
}

inline global const uchar *unit_q4_k(global const uchar *row, int unit) { return row + 144L * (unit / 8); }

inline float2 scale_q4_k(global const uchar *x, int unit)
{
    int2 scales = q4_k_scales(x + 4, unit % 8);
    return (float2)(half_at(x, 0) * (float)scales.x, half_at(x, 1) * (float)scales.y);
}

inline float8 part_q4_k(global const uchar *x, int unit, float2 scale, int c)
{
    int8 q = convert_int8(vload8(c, x + 16 + unit % 8 / 2 * 32));
    return scale.x * convert_float8((q >> (unit % 2 * 4)) & 15) - scale.y;
}

inline global const uchar *unit_q6_k(global const uchar *row, int unit) { return row + 210L * (unit / 8); }
inline float2 scale_q6_k(global const uchar *x, int unit) { return half_at(x, 104); }

inline float8 part_q6_k(global const uchar *x, int unit, float2 scale, int c)
{
    int run = unit % 8;
    float step = scale.x * (float)(char)x[192 + 2 * run + c / 2];
    int8 low = convert_int8(vload8(c, x + 64 * (run / 4) + run % 2 * 32)) >> (run % 4 / 2 * 4);
    int8 high = convert_int8(vload8(c, x + 128 + 32 * (run / 4))) >> (run % 4 * 2);
    return step * convert_float8(((low & 15) | ((high & 3) << 4)) - 32);
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

