using System.Runtime.CompilerServices;
using HeteroQwen.Backends.Cpu.Simd;

namespace HeteroQwen.Backends.Cpu.Roofs;

/// <summary>Names of <see cref="ByteUnit{T, F}"/>.</summary>
internal static class ByteUnit
{
    /// <summary>Where .NET has no single instruction: pairs of products to i16 (on x86 <c>vpmaddubsw</c>), and their addition.</summary>
    public const string Portable = "int8 multiply-add";
}

/// <summary>
/// The rate of <see cref="ICodeSimd{T, F}.MultiplyA"/>: four products and four additions a column. Codes of eight bits take two of them
/// where no instruction takes u8 x s8 without loss, so with those half of this is all that can be reached.
/// 12 chains in registers, each its own factor, so that nothing can be taken out of the loop: 13 of AVX2's 16.
/// Scalar equivalent, per chain: for (i = 0; i &lt; rounds; i++) a = multiply(a, a, x).
/// </summary>
internal sealed unsafe class ByteUnit<T, F>(string name) : PeakUnit($"{name}, {32 * F.Count} bits", 8.0 * Chains * F.Count * Rounds)
    where T : struct, ICodeSimd<T, F>
    where F : struct, ISimd<F>
{
    private const int Chains = 12;
    private const long Rounds = 200_000;

    /// <summary>Only there so that the loop is not removed.</summary>
    private float _result;

    public override void Pass() => _result = Run();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run()
    {
        int start = 0x01010101;
        T x = T.Broadcast(&start);
        T a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (long round = 0; round < Rounds; round++)
        {
            a = T.MultiplyA(a, a, x);
            b = T.MultiplyA(b, b, x);
            c = T.MultiplyA(c, c, x);
            d = T.MultiplyA(d, d, x);
            e = T.MultiplyA(e, e, x);
            f = T.MultiplyA(f, f, x);
            g = T.MultiplyA(g, g, x);
            h = T.MultiplyA(h, h, x);
            i = T.MultiplyA(i, i, x);
            j = T.MultiplyA(j, j, x);
            k = T.MultiplyA(k, k, x);
            l = T.MultiplyA(l, l, x);
        }

        F sum = T.ToSingle(a) + T.ToSingle(b) + T.ToSingle(c) + T.ToSingle(d) + T.ToSingle(e) + T.ToSingle(f);
        return F.Sum(sum + T.ToSingle(g) + T.ToSingle(h) + T.ToSingle(i) + T.ToSingle(j) + T.ToSingle(k) + T.ToSingle(l));
    }
}
