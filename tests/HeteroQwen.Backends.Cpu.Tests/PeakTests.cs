using System.Runtime.Intrinsics;
using HeteroQwen.Backends.Cpu.Roofs;
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
            Assert.True(device!.MeasurePeaks(Precision.Fast, ElementType.Q8_0, out Peaks peaks).IsOk);
            Assert.True(double.IsFinite(peaks.BytesPerSecond) && peaks.BytesPerSecond > 0, $"{peaks}");
            Assert.True(double.IsFinite(peaks.OperationsPerSecond) && peaks.OperationsPerSecond > 0, $"{peaks}");
            Assert.StartsWith("f32 multiply-add, ", peaks.Unit, StringComparison.Ordinal);
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
