using HeteroQwen.Backends.Cpu.Roofs;
using HeteroQwen.Backends.Cpu.Simd;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class PeakTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void MeasurePeaks_gives_limits_and_names_what_computes(int threads)
    {
        new CpuBackend().Open(0, new Attributes(("threads", threads)), out IDevice? device);
        using (device)
        {
            Assert.True(device!.MeasurePeaks(Precision.Fast, ElementType.F32, out Peaks peaks).IsOk);
            Assert.True(double.IsFinite(peaks.BytesPerSecond) && peaks.BytesPerSecond > 0, $"{peaks}");
            Assert.True(double.IsFinite(peaks.OperationsPerSecond) && peaks.OperationsPerSecond > 0, $"{peaks}");
            Assert.StartsWith("f32 multiply-add, ", peaks.Unit, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void MeasurePeaks_measures_the_instruction_that_multiplies_such_weights()
    {
        (ElementType Weights, CpuTier Tier, Precision Precision, string Unit)[] cases =
        [
            (ElementType.Q4_K, CpuTier.Avx512Vnni, Precision.Fast, "vpdpbusd"),
            (ElementType.Q4_K, CpuTier.Avx512Vnni, Precision.Exact, "f32"),
            (ElementType.F16, CpuTier.Avx512Vnni, Precision.Fast, "f32"),
            (ElementType.Q4_K, CpuTier.Avx512, Precision.Fast, "int8 multiply-add, 512 bits"),
            (ElementType.Q4_K, CpuTier.AvxVnni, Precision.Fast, "vpdpbusd, 256 bits"),
            (ElementType.Q4_K, CpuTier.Avx2, Precision.Fast, "int8 multiply-add, 256 bits"),
            (ElementType.Q8_0, CpuTier.V128, Precision.Fast, "int8 multiply-add, 128 bits"),
            (ElementType.Q8_0, CpuTier.Scalar, Precision.Fast, "int8 multiply-add, 32 bits"),
            (ElementType.Q8_0, CpuTier.Avx2, Precision.Exact, "f32 multiply-add, 256 bits"),
            (ElementType.BF16, CpuTier.Scalar, Precision.Fast, "f32 multiply-add, 32 bits"),
            (ElementType.BF16, CpuTier.Avx512Vnni, Precision.Fast, CpuFeatures.Here.FastBrainDots ? "vdpbf16ps" : "f32"),
            (ElementType.BF16, CpuTier.Amx, Precision.Fast, "tdpbf16ps"),
        ];
        foreach ((ElementType weights, CpuTier tier, Precision precision, string unit) in cases.Where(c => CpuTiers.Here.Contains(c.Tier)))
        {
            using CpuDevice device = new(1, tier);
            OpRunner.Check("measure", device.MeasurePeaks(precision, weights, out Peaks peaks));
            Assert.StartsWith(unit, peaks.Unit, StringComparison.Ordinal);
            Assert.True(peaks.OperationsPerSecond > 0, $"{peaks}");
        }
    }

    /// <summary>A loop that stops early or skips vectors would show memory as faster than it is.</summary>
    [Fact]
    public void Sum_of_any_width_reads_every_element()
    {
        Assert.All(Sums<Simd512>(), sum => Assert.Equal(1, sum));
        Assert.All(Sums<Simd256>(), sum => Assert.Equal(1, sum));
        Assert.All(Sums<Simd128>(), sum => Assert.Equal(1, sum));
        Assert.All(Sums<SimdScalar>(), sum => Assert.Equal(1, sum));
    }

    /// <summary>Of buffers that are zeros but for one 1, at each place in turn.</summary>
    private static IEnumerable<float> Sums<F>()
        where F : struct, ISimd<F>
    {
        const int Floats = 3 * ReadPeak.Granule / sizeof(float);
        return Enumerable.Range(0, Floats).Select(i => Sum<F>([.. Enumerable.Range(0, Floats).Select(j => i == j ? 1f : 0)]));
    }

    private static unsafe float Sum<F>(float[] buffer)
        where F : struct, ISimd<F>
    {
        fixed (float* source = buffer)
        {
            return ReadPeak.Sum<F>((byte*)source, buffer.Length * sizeof(float));
        }
    }
}
