namespace HeteroQwen.Models.Tests;

public sealed class RopeTableTests
{
    private static readonly int[] s_positions = [0, 1, 63, 1499, 40959, 131071];

    private static (float[] Cos, float[] Sin) Fill(RopeTable table, int[] positions)
    {
        float[] cos = new float[positions.Length * table.HeadDim];
        float[] sin = new float[cos.Length];
        table.Fill(positions, cos, sin);
        return (cos, sin);
    }

    [Theory]
    [InlineData(RopeType.Default, 1.0, 128)]
    [InlineData(RopeType.Linear, 4.0, 128)]
    [InlineData(RopeType.Default, 1.0, 2)]
    public void Fill_is_cos_and_sin_of_position_times_frequency_with_repeated_halves(RopeType type, double factor, int d)
    {
        (float[] cos, float[] sin) = Fill(new RopeTable(d, new RopeSettings(type, 1e6, factor, 40960)), s_positions);
        for (int t = 0; t < s_positions.Length; t++)
        {
            for (int i = 0; i < d; i++)
            {
                double angle = s_positions[t] / factor / Math.Pow(1e6, 2.0 * (i % (d / 2)) / d);
                Assert.Equal(Math.Cos(angle), cos[(t * d) + i], 1e-7);
                Assert.Equal(Math.Sin(angle), sin[(t * d) + i], 1e-7);
            }
        }
    }

    // Worked by hand from the paper's formula for D = 32, theta = 1e6, original context 64, factor 4: the dimension that turns
    // r times is 32 ln(64 / (2 pi r)) / (2 ln 1e6); for r = 32 it is -1.33 (low = 0), for r = 1 it is 2.69 (high = 3).
    [Theory]
    [InlineData(0, 0.0)]
    [InlineData(1, 1.0 / 3)]
    [InlineData(2, 2.0 / 3)]
    [InlineData(3, 1.0)]
    [InlineData(15, 1.0)]
    public void Fill_yarn_mixes_the_frequencies_along_the_ramp(int i, double ramp)
    {
        double scale = 1 + (0.1 * Math.Log(4));
        RopeSettings rope = new(RopeType.Yarn, 1e6, 4, 64, AttentionFactor: RopeSettings.YarnAttentionFactor(4));
        (float[] cos, float[] sin) = Fill(new RopeTable(32, rope), [0, 200]);
        double frequency = Math.Pow(10, -6.0 * i / 16);
        double mixed = (frequency * (1 - ramp)) + (frequency / 4 * ramp);
        Assert.Equal(scale, cos[i], 1e-6);
        Assert.Equal(scale * Math.Cos(200 * mixed), cos[32 + i], 1e-6);
        Assert.Equal(scale * Math.Sin(200 * mixed), sin[32 + 16 + i], 1e-6);
    }

    // Qwen3's own YaRN: D = 128, original 32768, factor 4. r = 32: 128 ln(32768 / 201.06) / (2 ln 1e6) = 23.6 (low = 23);
    // r = 1: 39.65 (high = 40).
    [Theory]
    [InlineData(23, 0.0)]
    [InlineData(24, 1.0 / 17)]
    [InlineData(39, 16.0 / 17)]
    [InlineData(40, 1.0)]
    public void Fill_yarn_of_the_published_models_has_its_ramp_from_23_to_40(int i, double ramp)
    {
        (float[] cos, _) = Fill(new RopeTable(128, new RopeSettings(RopeType.Yarn, 1e6, 4, 32768)), [100_000]);
        double frequency = Math.Pow(1e6, -i / 64.0);
        Assert.Equal(Math.Cos(100_000 * ((frequency * (1 - ramp)) + (frequency / 4 * ramp))), cos[i], 1e-6);
    }

    [Theory]
    [InlineData(1e6, 4, 1, 1e6, 1e-3)]
    [InlineData(1.001, 1024, 16384, 32, 1)]
    [InlineData(1e15, 1, 1, 1e-3, 1e-3)]
    public void Fill_yarn_is_finite_at_the_edges_of_what_is_accepted(double theta, double factor, int original, double fast, double slow)
    {
        RopeSettings rope = new(RopeType.Yarn, theta, factor, original, fast, slow);
        (float[] cos, float[] sin) = Fill(new RopeTable(64, rope), s_positions);
        Assert.All(cos.Concat(sin), v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void Fill_allocates_nothing()
    {
        RopeTable table = new(128, new RopeSettings(RopeType.Default, 1e6, 1, 40960));
        float[] cos = new float[s_positions.Length * 128];
        float[] sin = new float[cos.Length];
        table.Fill(s_positions, cos, sin);
        long before = GC.GetAllocatedBytesForCurrentThread();
        table.Fill(s_positions, cos, sin);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Fill_wrong_lengths_are_refused()
    {
        RopeTable table = new(8, new RopeSettings(RopeType.Default, 1e6, 1, 64));
        Assert.Throws<ArgumentException>(() => table.Fill([1, 2], new float[16], new float[8]));
    }
}
