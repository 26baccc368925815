using HeteroQwen.Conformance;
using HeteroQwen.Conformance.Ops;

namespace HeteroQwen.Backends.OpenCL.Tests;

/// <summary>
/// Cases of the conformance suite with the sizes of work of both kinds of device: as a processor's, and as a GPU's, whose lanes share a
/// row, local memory and barriers. Every case is a run of <c>heteroqwen conform -b opencl</c>.
/// </summary>
public sealed class OpTests
{
    private const int CasesOfEachKind = 4;

    [Fact]
    public void Op_cases_pass_with_the_sizes_of_a_processor() => Passes(_ => Tuning.Processor);

    [Fact]
    public void Op_cases_pass_with_the_sizes_of_a_gpu() => Passes(OpenCl.AsWide);

    [Fact(Explicit = true)]
    public void All_op_cases_pass_with_the_sizes_of_a_gpu()
    {
        string[] wrong = Conform.Run(new OpenClBackend { Tune = OpenCl.AsWide }, (p, c) => OpCases.All(Profile.Quick, c, p), Precision.Exact);
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    private static void Passes(Func<DeviceFacts, Tuning> tune)
    {
        string[] wrong = Conform.Run(new OpenClBackend { Tune = tune }, (p, c) => Sample(OpCases.All(Profile.Quick, c, p)));
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    /// <summary>Some of each op and types, from all over the list.</summary>
    private static IEnumerable<ConformanceCase> Sample(IEnumerable<OpCase> cases) => cases
        .GroupBy(c => string.Join('/', c.Id.Split('/')[..3]))
        .SelectMany(g => g.Where((_, i) => i % Math.Max(1, g.Count() / CasesOfEachKind) == 0));
}
