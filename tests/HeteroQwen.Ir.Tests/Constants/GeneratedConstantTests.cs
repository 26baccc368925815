using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace HeteroQwen.Ir.Tests;

/// <summary>Constants whose bytes a generator makes: the same however they are asked for, of the mean and deviation asked for.</summary>
public sealed class GeneratedConstantTests
{
    private const double Deviation = 0.02;

    private static readonly ImmutableArray<long> s_shape = [64, 4096];

    public static TheoryData<ElementType> Types => [.. ElementTypes.All.Where(t => t.IsFloat() || t.IsQuantized())];

    [Theory]
    [MemberData(nameof(Types))]
    public void Read_of_any_whole_blocks_gives_the_same_bytes(ElementType type)
    {
        ConstantData constant = Constant(type);
        byte[] whole = Read(constant, 0, constant.Bytes);
        int block = type.BlockBytes();
        for (long at = 0, length = block; at < whole.Length; at += length, length = (2 * length) + block)
        {
            length = Math.Min(length, whole.Length - at);
            Assert.True(whole.AsSpan((int)at, (int)length).SequenceEqual(Read(constant, at, length)), $"{length} bytes from {at} on");
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Values_have_the_mean_and_deviation_asked_for(ElementType type)
    {
        double mean = type.IsFloat() ? 1 : 0;
        float[] values = Values(Constant(type, mean: mean));
        (double average, double deviation) = Moments(values);
        Assert.True(Math.Abs(average - mean) < 0.01 * Deviation, $"mean {average}");
        Assert.True(Math.Abs(deviation - Deviation) < 0.01 * Deviation, $"deviation {deviation}");
        Assert.DoesNotContain(values, v => !float.IsFinite(v));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Neighbouring_elements_rows_and_seeds_are_independent(ElementType type)
    {
        float[] values = Values(Constant(type));
        float[] other = Values(Constant(type, seed: 8));
        foreach (float[] against in (float[][])[values[1..], values[2..], values[32..], values[256..], values[4096..], other])
        {
            double correlation = Dot(values, against) / against.Length / (Deviation * Deviation);
            Assert.True(Math.Abs(correlation) < 0.02, $"correlation {correlation}");
        }
    }

    [Theory]
    [InlineData(ElementType.Q8_0)]
    [InlineData(ElementType.Q4_0)]
    [InlineData(ElementType.Q4_K)]
    [InlineData(ElementType.Q6_K)]
    public void Scales_differ_from_block_to_block(ElementType type)
    {
        int elements = type.BlockElements();
        float[] values = Values(Constant(type));
        IEnumerable<float> largest = Enumerable.Range(0, values.Length / elements)
            .Select(b => values.AsSpan(b * elements, elements).ToArray().Max(Math.Abs));
        Assert.True(largest.Distinct().Count() > 100);
    }

    [Fact]
    public void Q8_0_has_no_quant_of_minus_128()
    {
        ConstantData constant = Constant(ElementType.Q8_0);
        byte[] bytes = Read(constant, 0, constant.Bytes);
        Assert.DoesNotContain((byte)0x80, bytes.Where((_, i) => i % 34 >= 2));
        Assert.Contains((byte)0x7F, bytes.Where((_, i) => i % 34 >= 2));
        Assert.Contains((byte)0x81, bytes.Where((_, i) => i % 34 >= 2));
    }

    [Fact]
    public void Bytes_of_a_seed_never_change()
    {
        // They are what a number measured on a random model belongs to, whatever machine and version it came from. The digests were
        // computed from the documented formulas by another program.
        string[] hashes = [.. Types.Select(t => t.Data).Select(type =>
        {
            ConstantData constant = Constant(type, mean: type.IsFloat() ? 1 : 0);
            byte[] hash = SHA256.HashData(Read(constant, 0, constant.Bytes));
            return $"{type.Name()} {Convert.ToHexStringLower(hash.AsSpan(0, 8))}";
        })];
        string[] expected =
        [
            "f32 5f6ab4b5a1e4ce73",
            "f16 5677e1042d4b420a",
            "bf16 d379358c1f46bb94",
            "q8_0 4a198ad6ac02eca7",
            "q4_0 2337b555d2e2ab11",
            "q4_k 58afee839a0ea50b",
            "q6_k e3614429b237a2c6",
        ];
        Assert.Equal(expected, hashes);
    }

    [Fact]
    public void Read_of_ranges_joins_them()
    {
        byte[] bytes = [.. Enumerable.Range(0, 24).Select(i => (byte)i)];
        GCHandle handle = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        try
        {
            nint at = handle.AddrOfPinnedObject();
            ConstantData constant = new("c", ElementType.F32, [3, 2], [new(at, 8), new(at + 8, 8), new(at + 16, 8)]);
            for (int offset = 0; offset <= 24; offset++)
            {
                for (int length = 0; length <= 24 - offset; length++)
                {
                    Assert.Equal(bytes[offset..(offset + length)], Read(constant, offset, length));
                }
            }

            Assert.Throws<ArgumentException>(() => Read(constant, 1, 24));
        }
        finally
        {
            handle.Free();
        }
    }

    [Theory]
    [InlineData(1, 34)]
    [InlineData(34, 33)]
    [InlineData(-34, 34)]
    [InlineData(0, 34 * 8193)]
    [InlineData(34 * 8192, 34)]
    public void Read_outside_or_of_parts_of_blocks_is_refused(long offset, long bytes) =>
        Assert.Throws<ArgumentException>(() => Read(Constant(ElementType.Q8_0), offset, bytes));

    [Fact]
    public void Generated_refuses_what_cannot_be_made()
    {
        Assert.Throws<ArgumentException>(() => Constant(ElementType.I32));
        Assert.Throws<ArgumentException>(() => Constant(ElementType.Q4_K, mean: 1));
        Assert.Throws<ArgumentException>(() => Constant(ElementType.F32, mean: double.NaN));
        Assert.Throws<ArgumentException>(() => ConstantData.Generated("c", ElementType.Q4_K, [2, 128], new(1, 0, 1)));
        Assert.Throws<ArgumentException>(() => ConstantData.Generated("c", ElementType.F32, [2, 128], new(1, 0, -1)));
        Assert.Throws<ArgumentException>(() => ConstantData.Generated("c", ElementType.Q8_0, [2, 128], new(1, 0, 1e9)));
    }

    private static ConstantData Constant(ElementType type, ulong seed = 7, double mean = 0) =>
        ConstantData.Generated("c", type, s_shape, new ConstantGenerator(seed, mean, Deviation));

    private static unsafe byte[] Read(ConstantData constant, long offset, long bytes)
    {
        byte[] read = new byte[Math.Max(0, bytes)];
        fixed (byte* to = read)
        {
            constant.Read(offset, (nint)to, bytes);
        }

        return read;
    }

    private static float[] Values(ConstantData constant)
    {
        byte[] bytes = Read(constant, 0, constant.Bytes);
        float[] values = new float[s_shape[0] * s_shape[1]];
        switch (constant.Type)
        {
            case ElementType.F32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(values);
                break;
            case ElementType.F16:
                values = [.. MemoryMarshal.Cast<byte, Half>(bytes).ToArray().Select(h => (float)h)];
                break;
            case ElementType.BF16:
                values = [.. MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(b => BitConverter.UInt32BitsToSingle((uint)b << 16))];
                break;
            default:
                BlockFormats.Dequantize(constant.Type, bytes, values);
                break;
        }

        return values;
    }

    private static (double Mean, double Deviation) Moments(float[] values)
    {
        double mean = 0;
        foreach (float value in values)
        {
            mean += value / (double)values.Length;
        }

        return (mean, Math.Sqrt((Dot(values, values) / values.Length) - (mean * mean)));
    }

    private static double Dot(float[] a, float[] b)
    {
        double sum = 0;
        for (int i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            sum += (double)a[i] * b[i];
        }

        return sum;
    }
}
