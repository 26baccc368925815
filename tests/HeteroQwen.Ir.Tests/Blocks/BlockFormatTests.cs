namespace HeteroQwen.Ir.Tests.Blocks;

/// <summary>The formats against values computed here, in f64, from the documented place of each bit.</summary>
public sealed class BlockFormatTests
{
    public static TheoryData<ElementType> Types => [.. ElementTypes.All.Where(t => t.IsQuantized())];

    [Theory]
    [MemberData(nameof(Types))]
    public void Dequantize_gives_the_values_that_the_bits_mean(ElementType type)
    {
        Random random = new(7);
        foreach (float scale in (float[])[0, 1, -0.37f, 6e-8f, -5e-6f, 40000])
        {
            byte[] blocks = new byte[3 * type.BlockBytes()];
            random.NextBytes(blocks);
            for (int b = 0; b < 3; b++)
            {
                Span<byte> block = blocks.AsSpan(b * type.BlockBytes(), type.BlockBytes());
                Bits.Put(block, type == ElementType.Q6_K ? 208 : 0, (Half)(scale * (b + 1)));
                if (type == ElementType.Q4_K)
                {
                    Bits.Put(block, 2, (Half)(scale / (b - 3)));
                }
            }

            float[] values = new float[3 * type.BlockElements()];
            BlockFormats.Dequantize(type, blocks, values);
            for (int i = 0; i < values.Length; i++)
            {
                byte[] block = blocks[(i / type.BlockElements() * type.BlockBytes())..];
                Assert.Equal((float)Bits.Value(type, block, i % type.BlockElements()), values[i]);
            }
        }
    }

    [Fact]
    public void Dequantize_of_Q4_K_rounds_only_the_subtraction()
    {
        byte[] block = new byte[144];
        Bits.Put(block, 0, (Half)2047); // d
        Bits.Put(block, 2, (Half)(-0.00030517578125f)); // dmin: so far below d that the sum does not fit 24 bits
        block[4] = 63; // scale 0
        block[8] = 1; // min 0
        block.AsSpan(16).Fill(0xF);
        float[] values = new float[256];
        BlockFormats.Dequantize(ElementType.Q4_K, block, values);
        Assert.Equal((float)((2047.0 * 63 * 15) + 0.00030517578125), values[0]);
        Assert.Equal(0, values[32]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Dequantize_lets_an_infinite_or_NaN_scale_through(ElementType type)
    {
        foreach (Half d in (Half[])[Half.PositiveInfinity, Half.NaN])
        {
            byte[] block = new byte[type.BlockBytes()];
            block.AsSpan().Fill(0x11);
            Bits.Put(block, type == ElementType.Q6_K ? 208 : 0, d);
            float[] values = new float[type.BlockElements()];
            BlockFormats.Dequantize(type, block, values);
            Assert.All(values, v => Assert.Equal(!Half.IsNaN(d), float.IsInfinity(v)));
            Assert.All(values, v => Assert.False(float.IsFinite(v)));
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Dequantize_refuses_lengths_that_are_not_the_same_whole_blocks(ElementType type)
    {
        (int elements, int bytes) = (type.BlockElements(), type.BlockBytes());
        Assert.Throws<ArgumentException>(() => BlockFormats.Dequantize(type, new byte[bytes], new float[2 * elements]));
        Assert.Throws<ArgumentException>(() => BlockFormats.Dequantize(type, new byte[bytes - 1], new float[elements]));
        Assert.Throws<ArgumentException>(() => BlockFormats.Dequantize(type, new byte[bytes], new float[elements - 1]));
        Assert.Throws<ArgumentException>(() => BlockFormats.Dequantize(ElementType.F16, new byte[2], new float[1]));
    }

    [Fact]
    public void Quantize_to_Q8_0_takes_the_scale_as_it_is_held_and_rounds_to_nearest_even()
    {
        float[] values = new float[64];
        values[0] = -127 * 0.25f;
        values[1] = 0.125f; // half a step: to the even 0
        values[2] = 0.375f; // to the even 2
        values[3] = -0.875f; // to the even -4
        values[32] = 100; // 100 / 127 is no f16
        values[33] = 79.14f; // 100.508 steps of 100 / 127, but 100.483 of the f16 nearest to it
        byte[] blocks = new byte[68];
        Q8_0.Quantize(values, blocks);

        Assert.Equal([-127, 0, 2, -4], blocks[2..6].Select(b => (sbyte)b));
        Assert.Equal((Half)(100f / 127), Bits.Half(blocks.AsSpan(34), 0));
        Assert.Equal(127, (sbyte)blocks[36]);
        Assert.Equal(100, (sbyte)blocks[37]);
        Assert.Equal(0, (sbyte)blocks[38]);
    }

    [Theory]
    [InlineData(0f, 0f, 0)]
    [InlineData(1e-10f, 0f, 0)] // the scale is below every f16
    [InlineData(127 * 1.4f * 5.9604645e-8f, 5.9604645e-8f, 127)] // the scale rounds down to the least f16
    [InlineData(-254f, 2f, -127)]
    public void Quantize_to_Q8_0_at_the_ends_of_the_scale(float value, float d, int q)
    {
        float[] values = new float[32];
        values[5] = value;
        byte[] block = new byte[34];
        Q8_0.Quantize(values, block);
        Assert.Equal(d, (float)Bits.Half(block, 0));
        Assert.Equal(q, (sbyte)block[2 + 5]);
        Assert.Equal(0, block[2]);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.MaxValue)] // the scale overflows
    public void Quantize_to_Q8_0_of_what_it_cannot_hold_reads_as_NaN(float value)
    {
        float[] values = new float[32];
        values.AsSpan().Fill(1);
        values[9] = value;
        byte[] block = new byte[34];
        Q8_0.Quantize(values, block);
        Q8_0.Dequantize(block, values);
        Assert.All(values, v => Assert.True(float.IsNaN(v)));
    }
}
