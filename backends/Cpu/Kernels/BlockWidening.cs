using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// f32 from block-quantised rows, bit for bit the values that <see cref="BlockFormats.Dequantize"/> defines: the same operations, 32
/// bytes of elements at a time. All elements that share a byte vector are split off as i8 (nibbles by mask and shift), widened to
/// i16 and i32, converted, and scaled. Blocks may lie at any address.
/// </summary>
internal static unsafe class BlockWidening
{
    /// <summary>The elements of whole blocks.</summary>
    public static void Into(ElementType type, byte* blocks, long count, float* to)
    {
        switch (type)
        {
            case ElementType.Q8_0:
                Q8_0(blocks, count / 32, to);
                break;
            case ElementType.Q4_0:
                Q4_0(blocks, count / 32, to);
                break;
            case ElementType.Q4_K:
                Q4_K(blocks, count / 256, to);
                break;
            case ElementType.Q6_K:
                Q6_K(blocks, count / 256, to);
                break;
            default:
                throw new ArgumentException($"{type.Name()} has no blocks");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q8_0(byte* block, long blocks, float* to)
    {
        for (; blocks > 0; blocks--, block += 34, to += 32)
        {
            Vector256<float> d = Vector256.Create(Half(block));
            Scale(Vector256.Load((sbyte*)block + 2), d, d, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q4_0(byte* block, long blocks, float* to)
    {
        for (; blocks > 0; blocks--, block += 18, to += 32)
        {
            Vector256<float> d = Vector256.Create(Half(block));
            Vector128<byte> q = Vector128.Load(block + 2);
            Vector256<byte> halves = Vector256.Create(q & Vector128.Create((byte)0xF), q >>> 4);
            Scale(halves.AsSByte() - Vector256.Create((sbyte)8), d, d, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q4_K(byte* block, long blocks, float* to)
    {
        for (; blocks > 0; blocks--, block += 144)
        {
            float d = Half(block);
            float min = Half(block + 2);
            byte* s = block + 4;
            for (int run = 0; run < 4; run++, to += 64)
            {
                int g = 2 * run;
                Vector256<byte> q = Vector256.Load(block + 16 + (32 * run));
                ScaleAndShift(q & Vector256.Create((byte)0xF), d * ScaleOf(s, g), min * MinOf(s, g), to);
                ScaleAndShift(q >>> 4, d * ScaleOf(s, g + 1), min * MinOf(s, g + 1), to + 32);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Q6_K(byte* block, long blocks, float* to)
    {
        Vector256<byte> upper = Vector256.Create((byte)0x30);
        Vector256<byte> lower = Vector256.Create((byte)0xF);
        for (; blocks > 0; blocks--, block += 210)
        {
            float d = Half(block + 208);
            for (int half = 0; half < 2; half++, to += 128)
            {
                sbyte* scales = (sbyte*)block + 192 + (8 * half);
                Vector256<byte> low0 = Vector256.Load(block + (64 * half));
                Vector256<byte> low1 = Vector256.Load(block + (64 * half) + 32);
                Vector256<byte> high = Vector256.Load(block + 128 + (32 * half));
                Run6(low0 & lower, (high << 4) & upper, d, scales, to);
                Run6(low1 & lower, (high << 2) & upper, d, scales + 2, to + 32);
                Run6(low0 >>> 4, high & upper, d, scales + 4, to + 64);
                Run6(low1 >>> 4, (high >>> 2) & upper, d, scales + 6, to + 96);
            }
        }
    }

    /// <summary>32 elements of Q6_K, of which each 16 share a scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run6(Vector256<byte> low, Vector256<byte> high, float d, sbyte* scales, float* to) => Scale(
        (low | high).AsSByte() - Vector256.Create((sbyte)32), Vector256.Create(d * scales[0]), Vector256.Create(d * scales[1]), to);

    /// <summary>to = q * d, with a d for each half of q.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(Vector256<sbyte> q, Vector256<float> lowerD, Vector256<float> upperD, float* to)
    {
        (Vector256<short> lower, Vector256<short> upper) = Vector256.Widen(q);
        (Vector256<int> q0, Vector256<int> q1) = Vector256.Widen(lower);
        (Vector256<int> q2, Vector256<int> q3) = Vector256.Widen(upper);
        (Vector256.ConvertToSingle(q0) * lowerD).Store(to);
        (Vector256.ConvertToSingle(q1) * lowerD).Store(to + 8);
        (Vector256.ConvertToSingle(q2) * upperD).Store(to + 16);
        (Vector256.ConvertToSingle(q3) * upperD).Store(to + 24);
    }

    /// <summary>to = q * step - shift.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleAndShift(Vector256<byte> q, float step, float shift, float* to)
    {
        (Vector256<float> steps, Vector256<float> shifts) = (Vector256.Create(step), Vector256.Create(shift));
        (Vector256<short> lower, Vector256<short> upper) = Vector256.Widen(q.AsSByte());
        (Vector256<int> q0, Vector256<int> q1) = Vector256.Widen(lower);
        (Vector256<int> q2, Vector256<int> q3) = Vector256.Widen(upper);
        ((Vector256.ConvertToSingle(q0) * steps) - shifts).Store(to);
        ((Vector256.ConvertToSingle(q1) * steps) - shifts).Store(to + 8);
        ((Vector256.ConvertToSingle(q2) * steps) - shifts).Store(to + 16);
        ((Vector256.ConvertToSingle(q3) * steps) - shifts).Store(to + 24);
    }

    private static int ScaleOf(byte* s, int g) => g < 4 ? s[g] & 63 : (s[g + 4] & 0xF) | (s[g - 4] >> 6 << 4);

    private static int MinOf(byte* s, int g) => g < 4 ? s[g + 4] & 63 : (s[g + 4] >> 4) | (s[g] >> 6 << 4);

    private static float Half(byte* bytes) => (float)Unsafe.ReadUnaligned<Half>(bytes);
}
