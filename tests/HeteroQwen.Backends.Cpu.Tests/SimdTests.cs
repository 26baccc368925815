using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Backends.Cpu.Tiers;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed unsafe class SimdTests
{
    public static TheoryData<int> Widths => [.. CpuTiers.Here.Select(t => (int)t.Width()).Distinct()];

    [Theory]
    [MemberData(nameof(Widths))]
    public void LoadHalves_widens_every_f16_as_the_conversion_does(int width) => With(width, new Halves());

    [Theory]
    [MemberData(nameof(Widths))]
    public void LoadBrains_and_LoadBytes_widen_every_value(int width) => With(width, new Integers());

    [Theory]
    [MemberData(nameof(Widths))]
    public void ExpOfNonPositive_is_within_two_ulp_and_0_below_the_normal_range(int width) => With(width, new Exponentials());

    [Theory]
    [MemberData(nameof(Widths))]
    public void Sums_of_lanes_have_the_same_bits_whichever_of_the_four_they_are(int width) => With(width, new Sums());

    private interface ICheck
    {
        void Run<T>()
            where T : struct, ISimd<T>;
    }

    private static void With<TCheck>(int width, TCheck check)
        where TCheck : struct, ICheck
    {
        switch ((SimdWidth)width)
        {
            case SimdWidth.Bits512:
                check.Run<Simd512>();
                break;
            case SimdWidth.Bits256:
                check.Run<Simd256>();
                break;
            case SimdWidth.Bits128:
                check.Run<Simd128>();
                break;
            default:
                check.Run<SimdScalar>();
                break;
        }
    }

    private readonly struct Halves : ICheck
    {
        public void Run<T>()
            where T : struct, ISimd<T>
        {
            ushort* from = stackalloc ushort[T.Count];
            float* to = stackalloc float[T.Count];
            for (int bits = 0; bits <= ushort.MaxValue; bits += T.Count)
            {
                for (int i = 0; i < T.Count; i++)
                {
                    from[i] = (ushort)(bits + i);
                }

                T.Store(to, T.LoadHalves(from));
                for (int i = 0; i < T.Count; i++)
                {
                    float expected = (float)BitConverter.UInt16BitsToHalf((ushort)(bits + i));
                    bool same = BitConverter.SingleToInt32Bits(expected) == BitConverter.SingleToInt32Bits(to[i]);
                    Assert.True(same || (float.IsNaN(expected) && float.IsNaN(to[i])), $"{bits + i:X4} became {to[i]:R}, not {expected:R}");
                }
            }
        }
    }

    private readonly struct Integers : ICheck
    {
        public void Run<T>()
            where T : struct, ISimd<T>
        {
            ushort* words = stackalloc ushort[T.Count];
            sbyte* bytes = stackalloc sbyte[T.Count];
            float* to = stackalloc float[T.Count];
            for (int value = 0; value <= ushort.MaxValue; value += T.Count)
            {
                for (int i = 0; i < T.Count; i++)
                {
                    (words[i], bytes[i]) = ((ushort)(value + i), (sbyte)(value + i));
                }

                T.Store(to, T.LoadBrains(words));
                for (int i = 0; i < T.Count; i++)
                {
                    Assert.Equal((value + i) << 16, BitConverter.SingleToInt32Bits(to[i]));
                }

                T.Store(to, T.LoadBytes(bytes));
                for (int i = 0; i < T.Count; i++)
                {
                    Assert.Equal(bytes[i], to[i]);
                }
            }
        }
    }

    private readonly struct Exponentials : ICheck
    {
        public void Run<T>()
            where T : struct, ISimd<T>
        {
            const int Steps = 200_000;
            Assert.Equal(1, Exp<T>(0));
            Assert.Equal(1, Exp<T>(-0f));
            Assert.Equal(0, Exp<T>(float.NegativeInfinity));
            Assert.Equal(0, Exp<T>(-88));
            Assert.Equal(0, Exp<T>(-1e30f));
            Assert.True(float.IsNaN(Exp<T>(float.NaN)) && float.IsNaN(Exp<T>(BitConverter.Int32BitsToSingle(0x7FC00001))));
            for (int i = 0; i < Steps; i++)
            {
                float x = -87.3f * i / Steps * (i % 2 == 0 ? 1 : 0.01f);
                double exact = Math.Exp(x);
                double ulp = (double)MathF.BitIncrement((float)exact) - (float)exact;
                Assert.True(Math.Abs(Exp<T>(x) - exact) <= 2 * ulp, $"exp({x:R}) became {Exp<T>(x):R}");
            }
        }

        private static float Exp<T>(float x)
            where T : struct, ISimd<T>
        {
            float* to = stackalloc float[T.Count];
            T.Store(to, SimdMath.ExpOfNonPositive(T.Create(x)));
            Assert.Equal(to[0], to[T.Count - 1]);
            return to[0];
        }
    }

    private readonly struct Sums : ICheck
    {
        public void Run<T>()
            where T : struct, ISimd<T>
        {
            Random random = new(1);
            float* from = stackalloc float[T.Count];
            float* sums = stackalloc float[4];
            for (int round = 0; round < 100; round++)
            {
                double sum = 0;
                float largest = float.NegativeInfinity;
                for (int i = 0; i < T.Count; i++)
                {
                    from[i] = random.NextSingle() - 0.5f;
                    sum += from[i];
                    largest = MathF.Max(largest, from[i]);
                }

                T x = T.Load(from);
                T.StoreSums(x, x, x, x, sums);
                Assert.All(new Span<float>(sums, 4).ToArray(), s => Assert.Equal(sums[0], s));
                Assert.Equal(sum, sums[0], 1e-6);
                Assert.Equal(sum, T.Sum(x), 1e-6);
                Assert.Equal(largest, T.MaxLane(x));
                T.StoreSums(T.Create(1), T.Create(2), T.Create(3), T.Create(4), sums);
                Assert.Equal([T.Count, 2 * T.Count, 3 * T.Count, 4 * T.Count], new Span<float>(sums, 4).ToArray());
            }
        }
    }
}
