using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Conformance.Bisect;
using HeteroQwen.Generation;
using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Conformance.Tests;

public sealed class BisectorTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public static MatrixTheoryData<string, string, Precision> Right =>
        new(["cpu", "reference"], [GoldenModel.DenseName, GoldenModel.MoeName], [Precision.Exact, Precision.Fast]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Right))]
    public void Run_on_a_right_backend_finds_nothing(string backend, string model, Precision precision)
    {
        BisectReport report = Bisect(backend == "cpu" ? new CpuBackend() : new ReferenceBackend(), model, precision);
        Assert.True(report.IsRight, $"{report.Fault?.Line} {report.Fault?.Reason} {report.LogitsFault}");
        Assert.InRange(report.Compared, 100, 1000);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Run_names_the_op_of_the_layer_that_is_wrong_and_its_worst_element()
    {
        BisectFault fault = Bisect(Faults.Layer("model.layers.1.mlp.down_proj.weight"), GoldenModel.DenseName).Fault!;
        Assert.Equal(0, fault.Step);
        Assert.StartsWith("%layers.1.ffn", fault.Line, StringComparison.Ordinal);
        Assert.Contains("= linear(", fault.Line, StringComparison.Ordinal);
        Assert.Equal(Bisector.Prefill - 1, fault.Index[0]);
        Assert.InRange(fault.Got - fault.Expected, 0.009, 0.011);
    }

    [Theory]
    [InlineData("rms_norm", "T=1 N=1 B=1 R=1")]
    [InlineData("linear", "T=1 N=1 B=1 R=1")]
    [InlineData("attention", "T=1 N=1 B=1 R=1")]
    [InlineData("qk_norm_rope", "T=1 N=1 B=1 R=1")]
    [InlineData("swiglu", "T=1 N=1 B=1 R=1")]
    public void Case_file_of_a_wrong_op_is_small_fails_there_and_passes_on_a_right_backend(string op, string bindings)
    {
        BisectFault fault = Bisect(Faults.Op(op), GoldenModel.DenseName).Fault!;
        Assert.Contains($"= {op}(", fault.Line, StringComparison.Ordinal);
        Assert.StartsWith(bindings, fault.Bindings.ToString(), StringComparison.Ordinal);
        FileCase saved = FileCase.Load(fault.CaseFile!);
        Assert.Equal((op, $"file:{fault.CaseFile}"), (saved.Op, saved.Id));
        using Bench wrong = new(Faults.Op(op));
        CaseResult again = saved.Run(wrong.Context);
        Assert.Equal((CaseStatus.Fail, fault.SmallestReason), (again.Status, again.Reason));
        foreach (IBackend backend in (IBackend[])[new CpuBackend(), new ReferenceBackend()])
        {
            using Bench right = new(backend);
            CaseResult result = saved.Run(right.Context);
            Assert.Equal((CaseStatus.Pass, null), (result.Status, result.Reason));
        }
    }

    [Fact]
    public void A_stale_slot_is_found_in_the_op_that_writes_it()
    {
        // Pages are in reverse order, and the pool has one page and the scrap page.
        BisectFault fault = Bisect(Faults.StaleSlot(slot: 3), GoldenModel.DenseName).Fault!;
        Assert.StartsWith("%layers.0.attn", fault.Line, StringComparison.Ordinal);
        Assert.Contains("= scatter_rows(", fault.Line, StringComparison.Ordinal);
        Assert.Equal(3, fault.Index[0]);
    }

    [Fact]
    public void A_slot_that_only_a_longer_text_reaches_is_found_too()
    {
        BisectReport report = Bisect(Faults.StaleSlot(slot: 130), GoldenModel.DenseName);
        Assert.Contains("= scatter_rows(", report.Fault!.Line, StringComparison.Ordinal);
        Assert.Equal(130, report.Fault.Index[0]);
        Assert.Null(report.LogitsFault);
    }

    [Fact]
    public void A_fault_between_ops_is_told_by_the_logits_of_the_whole_model()
    {
        // Wrong only where operand and result lie in one buffer, as the plan of a whole model has them.
        BisectReport report = Bisect(
            new WrongBackend(launch =>
            {
                launch.Run();
                if (launch.Op.Name == "linear" && launch.HasNeighbours)
                {
                    launch.Result<float>(0).Clear();
                }
            }),
            GoldenModel.DenseName);
        Assert.Null(report.Fault);
        Assert.Contains("NMSE", report.LogitsFault, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_host_ran_is_named_and_not_compared()
    {
        ScriptedBackend lacking = new(new CpuBackend()) { Refuse = op => op.Name == "attention" || op.Name == "softmax" || op.Name == "reduce" ? "not yet" : null };
        BisectReport report = Bisect(lacking, GoldenModel.DenseName, hostFallback: true);
        Assert.True(report.IsRight);
        Assert.Contains("attention", report.OnHost);
        Assert.Throws<Runtime.HostFallbackException>(() => Bisect(lacking, GoldenModel.DenseName));
    }

    private BisectReport Bisect(IBackend backend, string model, Precision precision = Precision.Exact, bool hostFallback = false)
    {
        using Bench bench = new(backend);
        using IModelSource source = ModelSource.Open(GoldenModel.PathOf(model));
        Bisector bisector = new(
            source, bench.Context.Device, bench.Context.Host, new EngineOptions { Precision = precision, AllowHostFallback = hostFallback });
        return bisector.Run(op => _folder.File($"{op}.case.json"), (_, _) => { }, TestContext.Current.CancellationToken);
    }
}
