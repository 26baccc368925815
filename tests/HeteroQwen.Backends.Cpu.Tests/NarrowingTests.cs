using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed unsafe class NarrowingTests
{
    /// <summary>Every f16, the values half way between two, and their neighbours, of both signs; and random bits.</summary>
    private static float[] Values()
    {
        List<float> values = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.Epsilon, 65519.996f, 65520, 1e-39f];
        for (int bits = 0; bits < ushort.MaxValue; bits++)
        {
            float x = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
            float next = (float)BitConverter.UInt16BitsToHalf((ushort)(bits + 1));
            float middle = (x + next) / 2;
            values.AddRange([x, middle, MathF.BitIncrement(middle), MathF.BitDecrement(middle)]);
        }

        Random random = new(9);
        for (int i = 0; i < 100_000; i++)
        {
            values.Add(BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)));
        }

        return [.. values];
    }

    [Fact]
    public void Halves_are_those_of_the_cast()
    {
        float[] values = Values();
        var found = new Half[values.Length + 1];
        found[^1] = (Half)7;
        fixed (float* from = values)
        fixed (Half* to = found)
        {
            Narrowing.ToHalves(from, values.Length, to);
        }

        Assert.Equal((Half)7, found[^1]);
        for (int i = 0; i < values.Length; i++)
        {
            var expected = (Half)values[i];
            bool same = BitConverter.HalfToUInt16Bits(expected) == BitConverter.HalfToUInt16Bits(found[i]) || (Half.IsNaN(expected) && Half.IsNaN(found[i]));
            Assert.True(same, $"{values[i]:R} became {found[i]} rather than {expected}");
        }
    }

    [Fact]
    public void Brains_are_those_of_one_at_a_time()
    {
        float[] values = Values();
        ushort[] found = new ushort[values.Length + 1];
        found[^1] = 7;
        fixed (float* from = values)
        fixed (ushort* to = found)
        {
            Narrowing.ToBrains(from, values.Length, to);
        }

        Assert.Equal([.. values.Select(ElementValues.BFloat16Bits), (ushort)7], found);
    }
}
