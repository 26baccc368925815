using System.Runtime.CompilerServices;

namespace HeteroQwen.Backends.Cpu.Simd;

/// <summary>Functions of every lane, the same steps in each.</summary>
internal static class SimdMath
{
    private const float Lowest = -87.33654f;

    /// <summary>1.5 * 2^23: added to a small number, it leaves the nearest integer in the lowest bits.</summary>
    private const float Rounder = 12582912;

    /// <summary>
    /// e^x for x not above 0, within 2 ulp, and 1 where products are fused; exactly 1 for 0, and 0 where
    /// the result is below the smallest normal f32. NaN for NaN.
    /// n = round(x / ln 2), r = x - n ln 2 in two steps, and e^r by the polynomial of least error on [-ln 2 / 2, ln 2 / 2].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ExpOfNonPositive<T>(T x)
        where T : struct, ISimd<T>
    {
        T rounder = T.Create(Rounder);
        T shifted = T.MultiplyAdd(x, T.Create(1.44269504f), rounder);
        T n = shifted - rounder;
        T r = T.MultiplyAdd(n, T.Create(-0.693145752f), x);
        r = T.MultiplyAdd(n, T.Create(-1.42860677e-6f), r);
        T p = T.MultiplyAdd(T.Create(1.38380029e-3f), r, T.Create(8.36916547e-3f));
        p = T.MultiplyAdd(p, r, T.Create(4.16681021e-2f));
        p = T.MultiplyAdd(p, r, T.Create(1.66665167e-1f));
        p = T.MultiplyAdd(p, r, T.Create(4.99999940e-1f));
        p = T.MultiplyAdd(p, r, T.Create(1));
        p = T.MultiplyAdd(p, r, T.Create(1));
        return T.SelectLess(x, T.Create(Lowest), T.Zero, T.ScaleByPower(p, shifted));
    }
}
