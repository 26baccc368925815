using HeteroQwen.Backends.Cpu;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Backends.OpenCL.Tests;

/// <summary>Whole models: the golden ones against their truth, the bundled ones against the processor's own backend.</summary>
public sealed class ModelTests : IDisposable
{
    /// <summary>Largest |logit - logits64|, as tests/Golden/README.md has it.</summary>
    private const double Bound = 1e-4;

    private readonly OpenClBackend _backend = new() { Store = null };
    private readonly Runtime.Device _device;

    public ModelTests()
    {
        OpenCl.Demand();
        _device = Runtime.Device.Open(_backend, 0, Attributes.Empty);
    }

    public static TheoryData<string> Golden => [.. TestData.GoldenModels];

    public void Dispose() => _device.Dispose();

    [Theory]
    [MemberData(nameof(Golden))]
    public void Logits_of_each_golden_model_are_within_the_bound_of_the_truth(string name)
    {
        GoldenLogits golden = GoldenLogits.Load(name);
        using IModelSource source = ModelSource.Open(TestData.Path($"hf/{name}"));
        using Engine engine = Engine.Open(source, _device, null, new EngineOptions { Precision = Precision.Exact, AllRows = true });
        (double worst, int compared) = (0, 0);
        TeacherForced.Run(engine, golden.Tokens, (position, row) =>
        {
            int at = Array.IndexOf(golden.Rows, position);
            for (int i = 0; at >= 0 && i < row.Length; i++)
            {
                double distance = Math.Abs(row[i] - golden.Row(at)[i]);
                worst = double.IsNaN(distance) ? double.PositiveInfinity : Math.Max(worst, distance);
            }

            compared += at >= 0 ? 1 : 0;
        }, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(golden.Rows.Length, compared);
        Assert.True(worst <= Bound, $"{name}: {worst:E2} from the truth, beyond {Bound:E0}");
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void Text_of_each_bundled_model_is_that_of_the_cpu(string name)
    {
        using var cpu = Runtime.Device.Open(new CpuBackend(), 0, Attributes.Empty);
        int[] expected = Ids(name, cpu);
        Assert.True(expected.Length > 10);
        Assert.Equal(expected, Ids(name, _device));
    }

    [Fact]
    public void Open_without_the_consent_to_fall_back_puts_nothing_on_the_host()
    {
        using IModelSource source = ModelSource.Open(BundledModels.PathOf("tiny-moe"));
        using Engine engine = Engine.Open(source, _device, null, new EngineOptions { Precision = Precision.Fast });
        Assert.DoesNotContain(engine.Ledger.Rows, r => r.Count > 0);
    }

    private static int[] Ids(string name, Runtime.Device device)
    {
        using IModelSource source = ModelSource.Open(BundledModels.PathOf(name));
        using Engine engine = Engine.Open(source, device, null, new EngineOptions { Precision = Precision.Exact, Context = 512 });
        int[] prompt = [.. Enumerable.Range(0, 24).Select(i => 40 + (i * 7 % 60))];
        GenerationResult result = Generator.Run(engine, new(prompt) { MaxTokens = 48 }, TestContext.Current.CancellationToken);
        return [.. result.Ids];
    }
}
