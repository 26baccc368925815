using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// silu(gate) * up over a row, for any width of vectors. Scalar equivalent, with h = e^(-|x| / 2): silu(x) = x / (1 + h h) where x is not
/// below 0, else x h h / (1 + h h), so that no exponential overflows and none that matters is lost below the normal range.
/// </summary>
internal static unsafe class SwiGluLoops
{
    /// <summary>The loop for a width: gate, up, result, length. An element's bits depend neither on its place nor on the length.</summary>
    public static delegate*<float*, float*, float*, long, void> For(SimdWidth width) => width switch
    {
        SimdWidth.Bits512 => &Row<Simd512>,
        SimdWidth.Bits256 => &Row<Simd256>,
        SimdWidth.Bits128 => &Row<Simd128>,
        _ => &Row<SimdScalar>,
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<T>(float* gate, float* up, float* y, long length)
        where T : struct, ISimd<T>
    {
        long i = 0;
        for (; i <= length - T.Count; i += T.Count)
        {
            T.Store(y + i, Silu(T.Load(gate + i)) * T.Load(up + i));
        }

        for (; i < length; i++)
        {
            SimdScalar.Store(y + i, Silu(SimdScalar.Load(gate + i)) * SimdScalar.Load(up + i));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Silu<T>(T x)
        where T : struct, ISimd<T>
    {
        T minus = T.SelectLess(x, T.Zero, x, T.Zero - x);
        T half = SimdMath.ExpOfNonPositive(minus * T.Create(0.5f));
        T numerator = T.SelectLess(x, T.Zero, x * half * half, x);
        return numerator / T.MultiplyAdd(half, half, T.Create(1));
    }
}
