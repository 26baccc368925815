using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>
/// The rate of f32 multiply-add. 12 chains in registers (12 accumulators and 2 factors: 14 of AVX2's 16): two units of latency 4 need 8.
/// Scalar equivalent, per chain: for (i = 0; i &lt; rounds; i++) a = a * x + y.
/// </summary>
internal sealed class FloatUnit<F>() : PeakUnit($"f32 multiply-add, {32 * F.Count} bits", 2.0 * Chains * F.Count * Rounds)
    where F : struct, ISimd<F>
{
    private const int Chains = 12;
    private const long Rounds = 600_000;

    /// <summary>Only there so that the loop is not removed.</summary>
    private float _result;

    public override void Pass() => _result = Run();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run()
    {
        F x = F.Create(0.999f), y = F.Create(1e-3f);
        F a = F.Create(0), b = F.Create(1), c = F.Create(2), d = F.Create(3);
        F e = F.Create(4), f = F.Create(5), g = F.Create(6), h = F.Create(7);
        F i = F.Create(8), j = F.Create(9), k = F.Create(10), l = F.Create(11);
        for (long round = 0; round < Rounds; round++)
        {
            a = F.MultiplyAdd(a, x, y);
            b = F.MultiplyAdd(b, x, y);
            c = F.MultiplyAdd(c, x, y);
            d = F.MultiplyAdd(d, x, y);
            e = F.MultiplyAdd(e, x, y);
            f = F.MultiplyAdd(f, x, y);
            g = F.MultiplyAdd(g, x, y);
            h = F.MultiplyAdd(h, x, y);
            i = F.MultiplyAdd(i, x, y);
            j = F.MultiplyAdd(j, x, y);
            k = F.MultiplyAdd(k, x, y);
            l = F.MultiplyAdd(l, x, y);
        }

        return F.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }
}
