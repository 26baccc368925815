using HeteroQwen.Conformance;
using HeteroQwen.Conformance.Ops;

namespace HeteroQwen.Backends.OpenCL.Tests;

/// <summary>
/// Cases of the conformance suite with the sizes of work of both kinds of device: as a processor's, and as a GPU's, whose lanes share a
/// row, local memory and barriers. Every case is a run of <c>heteroqwen conform -b opencl</c>.
/// </summary>
public sealed class OpTests
{
    /// <summary>What is compiled for lanes and barriers takes PoCL seconds: one element type of each kind must do.</summary>
    private static readonly string[] s_wideTypes = ["f32", "f32.f32", "f32.q8_0", "q8_0", "f32.f16", "f32.f32.f32"];

    [Fact]
    public void Op_cases_pass_with_the_sizes_of_a_processor() => Passes(_ => Tuning.Processor, 4, _ => true);

    [Fact]
    public void Op_cases_pass_with_the_sizes_of_a_gpu() => Passes(OpenCl.AsWide, 3, s_wideTypes.Contains);

    [Fact(Explicit = true)]
    public void All_op_cases_pass_with_the_sizes_of_a_gpu() => Passes(OpenCl.AsWide, int.MaxValue, _ => true);

    private static void Passes(Func<DeviceFacts, Tuning> tune, int count, Func<string, bool> types)
    {
        OpenClBackend backend = new() { Tune = tune, Store = null };
        string[] wrong = Conform.Run(backend, (p, c) => Sample(OpCases.All(Profile.Quick, c, p), count, types));
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    /// <summary>So many of each op and types, from all over the list.</summary>
    private static IEnumerable<ConformanceCase> Sample(IEnumerable<OpCase> cases, int count, Func<string, bool> types) => cases
        .GroupBy(c => (Op: c.Id.Split('/')[1], Types: c.Id.Split('/')[2]))
        .Where(g => types(g.Key.Types))
        .SelectMany(g => g.Where((_, i) => i % Math.Max(1, g.Count() / count) == 0));
}
