using HeteroQwen.Backends.Cpu.Panels;

namespace HeteroQwen.Backends.Cpu.Tests.Panels;

public sealed unsafe class ActivationTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(47)]
    [InlineData(200)]
    public void Fill_with_int8_keeps_every_element_within_half_a_step_and_counts_its_sums(int length)
    {
        foreach (float magnitude in (float[])[1, 1e5f, 3e38f, 1e-30f, 4e-37f, 1e-39f, 0])
        {
            float[] x = [.. Data.Floats(length, 3, length).Floats().Select(v => v / 3 * magnitude)];
            using Activations rows = new(ActivationForm.Int8, length, 3, x);
            for (int row = 0; row < 3; row++)
            {
                CheckRecord(x.AsSpan(row * length, length), rows.Rows.Row(row), length);
            }
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Fill_with_int8_marks_a_group_that_is_not_finite_by_its_scale_alone(float value)
    {
        float[] x = Data.Floats(1, 100).Floats();
        x[40] = value;
        using Activations rows = new(ActivationForm.Int8, 100, 1, x);
        byte* record = rows.Rows.Row(0);
        var scales = new ReadOnlySpan<float>(record + ActivationRows.ScalesOffset(100), 4);
        Assert.Equal([false, true, false, false], scales.ToArray().Select(float.IsNaN));
        Assert.True(float.IsNaN(((float*)(record + ActivationRows.ShiftsOffset(100)))[1]));
        Assert.False(new ReadOnlySpan<byte>(record + 32, 32).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Fill_with_int8_rounds_ties_to_even()
    {
        float[] x = [127, 0.5f, 1.5f, -0.5f, -2.5f, 126.5f, 2.49f];
        using Activations rows = new(ActivationForm.Int8, x.Length, 1, x);
        Assert.Equal([127, 0, 2, 0, -2, 126, 2], new ReadOnlySpan<sbyte>(rows.Rows.Row(0), 7).ToArray().Select(c => (int)c));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(77)]
    public void Fill_with_bf16_rounds_to_nearest_even_and_keeps_NaN_and_f32_keeps_all(int length)
    {
        float[] x = Data.Floats(5, length).Floats();
        float narrowNaN = BitConverter.UInt32BitsToSingle(0x7F800001);
        float[] special = [float.NaN, float.PositiveInfinity, float.MaxValue, 1 + (1 / 256f), 1 + (3 / 256f), narrowNaN];
        special.AsSpan(0, Math.Min(special.Length, length)).CopyTo(x);
        using Activations brains = new(ActivationForm.BF16, length, 1, x);
        using Activations floats = new(ActivationForm.F32, length, 1, x);
        for (int k = 0; k < ActivationRows.Padded(length); k++)
        {
            float expected = k < length ? x[k] : 0;
            float found = BitConverter.UInt32BitsToSingle((uint)((ushort*)brains.Rows.Row(0))[k] << 16);
            float nearest = TestTensor.Of(Ir.ElementType.BF16, [expected], 1).Floats()[0];
            Assert.True(found == nearest || (float.IsNaN(found) && float.IsNaN(nearest)), $"{k}: {expected:R} became {found:R}");
            Assert.Equal(BitConverter.SingleToInt32Bits(expected), ((int*)floats.Rows.Row(0))[k]);
        }
    }

    private static void CheckRecord(ReadOnlySpan<float> x, byte* record, int length)
    {
        for (int group = 0; group < ActivationRows.Padded(length) / 32; group++)
        {
            ReadOnlySpan<float> values = x[(group * 32)..Math.Min(length, (group + 1) * 32)];
            float most = 0;
            foreach (float v in values)
            {
                most = MathF.Max(most, MathF.Abs(v));
            }

            float scale = ((float*)(record + ActivationRows.ScalesOffset(length)))[group];
            Assert.Equal(most / 127, scale);
            int[] sums = new int[2];
            for (int i = 0; i < 32; i++)
            {
                int code = ((sbyte*)record)[(group * 32) + i];
                double exact = i < values.Length && most > 0 ? (double)values[i] / most * 127 : 0;
                Assert.True(Math.Abs(code - exact) <= 0.5001, $"element {i} of group {group}: {code} for {exact} of {most:R}");
                sums[i / 16] -= code;
            }

            Assert.Equal(sums, new ReadOnlySpan<int>(record + ActivationRows.Sums16Offset(length) + (8 * group), 2).ToArray());
            Assert.Equal(sums.Sum(), ((int*)(record + ActivationRows.Sums32Offset(length)))[group]);
            Assert.Equal(scale * -sums.Sum(), ((float*)(record + ActivationRows.ShiftsOffset(length)))[group]);
        }
    }
}
