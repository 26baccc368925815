namespace HeteroQwen.Ir.Tests.Blocks;

/// <summary>What becomes of weights that are quantised: how far off they can be, and that a search beats rounding.</summary>
public sealed class QuantizeTests
{
    private const int Count = 512;

    public static TheoryData<ElementType, string> Cases =>
        [.. ElementTypes.All.Where(t => t.IsQuantized()).SelectMany(t => s_inputs.Keys.Select(name => (t, name)))];

    private static readonly Dictionary<string, Func<Random, int, float>> s_inputs = new()
    {
        ["zeros"] = (_, _) => 0,
        ["normal"] = (r, _) => (float)Normal(r),
        ["one outlier"] = (r, i) => i == 77 ? 300 : (float)Normal(r) * 0.01f,
        ["negative extreme"] = (r, i) => i % 16 == 3 ? -4 : (float)r.NextDouble() * 3,
        ["all negative"] = (r, _) => -1 - (float)r.NextDouble(),
        ["all equal"] = (_, _) => 0.7f,
        ["all equal and negative"] = (_, _) => -0.7f,
        ["scales that are subnormal in f16"] = (r, _) => (float)Normal(r) * 1e-5f,
        ["below every f16"] = (r, _) => (float)Normal(r) * 1e-30f,
        ["subnormal in f32"] = (r, _) => (float)Normal(r) * 1e-41f,
        ["large"] = (r, _) => (float)(r.NextDouble() - 0.5) * 2e5f,
        ["groups of many sizes"] = (r, i) => (float)(Normal(r) * Math.Pow(10, i / 16 % 5)),
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Quantize_is_no_farther_off_than_the_format_allows(ElementType type, string input)
    {
        float[] values = Values(input);
        float[] back = RoundTrip(type, values);
        int block = type.BlockElements();
        for (int first = 0; first < Count; first += block)
        {
            float[] one = values[first..(first + block)];
            double most = one.Max(Math.Abs);

            // f16 holds a scale to 2^-11 of it, or 2^-25 where it is subnormal: times the largest product of levels and scales.
            double bound = type switch
            {
                ElementType.Q8_0 => most * ((0.5 / 127) + Math.Pow(2, -11)) + (127 * Math.Pow(2, -25)),
                ElementType.Q4_0 => most * ((1.0 / 8) + Math.Pow(2, -11)) + (8 * Math.Pow(2, -25)),
                ElementType.Q4_K => (one.Max() - Math.Min(one.Min(), 0)) / 14 * 1.25 + (most * 1.5 / 63) + (16 * 63 * Math.Pow(2, -25)),
                _ => most * ((1.0 / 31) + (1.0 / 256)) + (128 * 32 * Math.Pow(2, -25)),
            };
            for (int i = 0; i < block; i++)
            {
                Assert.InRange(Math.Abs(back[first + i] - one[i]), 0, bound);
            }
        }
    }

    [Theory]
    [InlineData(ElementType.Q4_K, 0.92)]
    [InlineData(ElementType.Q6_K, 0.95)]
    public void Quantize_with_a_search_has_less_error_than_rounding_to_the_range(ElementType type, double atMost)
    {
        float[] values = Values("normal", 1 << 15);
        double searched = Rmse(values, RoundTrip(type, values));
        double rounded = Rmse(values, Rounded(type, values));
        Assert.InRange(searched / rounded, 0.5, atMost);
    }

    /// <summary>Values that a block holds exactly are found again: the search makes nothing worse.</summary>
    [Theory]
    [InlineData(ElementType.Q8_0)]
    [InlineData(ElementType.Q4_0)]
    public void Quantize_of_what_a_block_holds_gives_the_block(ElementType type)
    {
        byte[] block = new byte[type.BlockBytes()];
        new Random(3).NextBytes(block);
        Bits.Put(block, 0, (Half)0.25f);
        block[2] = type == ElementType.Q8_0 ? (byte)127 : (byte)0; // the extreme that fixes the scale
        block[9] = type == ElementType.Q8_0 ? (byte)0 : block[9];
        for (int i = 2; type == ElementType.Q8_0 && i < block.Length; i++)
        {
            block[i] = block[i] == 128 ? (byte)0 : block[i];
        }

        float[] values = new float[32];
        BlockFormats.Dequantize(type, block, values);
        byte[] again = new byte[block.Length];
        BlockFormats.Quantize(type, values, again);
        Assert.Equal(block, again);
    }

    [Fact]
    public void Quantize_to_Q4_0_puts_the_extreme_at_level_0_and_rounds_halves_up()
    {
        float[] values = new float[32];
        values[0] = 4; // the extreme: d is -0.5
        values[1] = -4; // would be level 16
        values[2] = 0.25f; // half a step below level 8
        values[17] = -0.25f; // half a step above it
        byte[] block = new byte[18];
        Q4_0.Quantize(values, block);
        Assert.Equal((Half)(-0.5f), Bits.Half(block, 0));
        Assert.Equal([0x80, 0x9F, 0x88, 0x88], block[2..6].Select(b => (int)b));
    }

    [Fact]
    public void QuantizeWeights_to_Q8_0_rounds_by_the_scale_before_it_is_held_and_halves_away_from_0()
    {
        float[] values = new float[64];
        values[0] = -127 * 0.25f;
        values[1] = 0.125f;
        values[2] = -0.125f;
        values[32] = 100;
        values[33] = 79.14f; // 100.508 steps of 100 / 127, but 100.483 of the f16 nearest to it
        byte[] blocks = new byte[68];
        Q8_0.QuantizeWeights(values, blocks);
        Assert.Equal([-127, 1, -1, 0], blocks[2..6].Select(b => (sbyte)b));
        Assert.Equal(101, (sbyte)blocks[37]);
    }

    [Theory]
    [InlineData(ElementType.Q8_0, 1e7f)]
    [InlineData(ElementType.Q4_0, 1e6f)]
    [InlineData(ElementType.Q4_K, 1e9f)]
    [InlineData(ElementType.Q6_K, 1e9f)]
    public void Quantize_of_what_overflows_the_scale_reads_as_no_finite_number(ElementType type, float value)
    {
        float[] values = new float[256];
        values.AsSpan().Fill(value);
        Assert.Contains(RoundTrip(type, values), v => !float.IsFinite(v));
    }

    private static float[] Values(string input, int count = Count)
    {
        Random random = new(11);
        return [.. Enumerable.Range(0, count).Select(i => s_inputs[input](random, i))];
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static float[] RoundTrip(ElementType type, float[] values)
    {
        byte[] blocks = new byte[type.Bytes(values.Length)];
        BlockFormats.Quantize(type, values, blocks);
        float[] back = new float[values.Length];
        BlockFormats.Dequantize(type, blocks, back);
        return back;
    }

    /// <summary>Each group's range over the levels, with scales that are held exactly: better than a format could.</summary>
    private static float[] Rounded(ElementType type, float[] values)
    {
        int group = type == ElementType.Q4_K ? 32 : 16;
        return [.. values.Chunk(group).SelectMany(g =>
        {
            float least = type == ElementType.Q4_K ? Math.Min(g.Min(), 0) : 0;
            float step = type == ElementType.Q4_K ? (g.Max() - least) / 15 : g.MaxBy(Math.Abs) / -32;
            (int first, int last) = type == ElementType.Q4_K ? (0, 15) : (-32, 31);
            return g.Select(v => (Math.Clamp(MathF.Round((v - least) / step), first, last) * step) + least);
        })];
    }

    private static double Rmse(float[] a, float[] b) => Math.Sqrt(a.Zip(b, (x, y) => Math.Pow((double)x - y, 2)).Average());
}
