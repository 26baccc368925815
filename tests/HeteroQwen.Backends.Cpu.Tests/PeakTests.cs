using System.Runtime.Intrinsics;
using HeteroQwen.Backends.Cpu.Roofs;
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
            (ElementType.Q4_K, CpuTier.Avx2, Precision.Fast, "f32"),
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
    public void Pass_of_any_width_reads_every_vector()
    {
        Assert.All(Reads(ResultOf<Vector512<float>, Lanes512>), read => Assert.True(read));
        Assert.All(Reads(ResultOf<Vector256<float>, Lanes256>), read => Assert.True(read));
        Assert.All(Reads(ResultOf<Vector128<float>, Lanes128>), read => Assert.True(read));
        Assert.All(Reads(ResultOf<float, Lanes32>), read => Assert.True(read));
    }

    private const int Floats = 3 * ReadPeak.Granule / sizeof(float);

    /// <summary>For each vector of a buffer of zeros: whether a 1 in its first lane comes out of the pass.</summary>
    private static IEnumerable<bool> Reads(Func<float[], (float Result, int Lanes)> pass)
    {
        int lanes = pass(new float[Floats]).Lanes;
        for (int i = 0; i < Floats; i += lanes)
        {
            float[] buffer = new float[Floats];
            buffer[i] = 1;
            yield return pass(buffer).Result == 1;
        }
    }

    private static unsafe (float Result, int Lanes) ResultOf<TVector, TLanes>(float[] buffer)
        where TVector : struct
        where TLanes : struct, IPeakLanes<TVector>
    {
        fixed (float* source = buffer)
        {
            float result = ReadPeak.Pass<TVector, TLanes>((byte*)source, buffer.Length * sizeof(float));
            return (result, System.Runtime.CompilerServices.Unsafe.SizeOf<TVector>() / sizeof(float));
        }
    }
}
