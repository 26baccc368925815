using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Generation;
using HeteroQwen.TestSupport;
using HeteroQwen.ToyBackends;

namespace HeteroQwen.Runtime.Tests.Toys;

/// <summary>A device that knows one op runs whole models, with the rest on the host and the ledger saying so.</summary>
public sealed class MatMulOnlyTests
{
    [Theory]
    [InlineData("dense-tied-f32", true)]
    [InlineData("dense-untied-f32-sharded", false)]
    [InlineData("dense-bf16", false)]
    [InlineData("moe-f32", true)]
    public void Model_with_its_products_on_the_toy_and_the_rest_on_the_host_is_within_the_bound(string model, bool onReference)
    {
        using GoldenRun run = new(model, new MatMulOnlyBackend(), onReference ? new ReferenceBackend() : new CpuBackend());
        Assert.InRange(run.Distance(run.Logits()), 0, 1e-4);
    }

    [Theory]
    [InlineData("tiny-dense256-q4_k_m")]
    [InlineData("tiny-moe256-q8_0")]
    public void Quantised_model_on_a_device_that_reads_f32_only_is_expanded_and_within_the_bound(string model)
    {
        LlamaCppGolden golden = LlamaCppGolden.Load(model);
        using ModelRun run = new(LlamaCppGolden.PathOf(model), new MatMulOnlyBackend(), new CpuBackend());
        (double error, double norm) = (0, 0);
        void Compare(int position, ReadOnlySpan<float> row)
        {
            for (int i = 0; i < row.Length; i++)
            {
                double truth = golden.Logits64[position][i];
                error += (row[i] - truth) * (row[i] - truth);
                norm += truth * truth;
            }
        }

        TeacherForced.Run(run.Engine, golden.Tokens, Compare, cancellation: TestContext.Current.CancellationToken);
        Assert.InRange(error / norm, 0, 1e-10);
        Assert.Contains(run.Engine.Ledger.Rows, r => r.Op == "expanded weights" && r.Bytes > 0);
    }

    [Fact]
    public void Ledger_names_what_the_host_did_and_not_the_products()
    {
        using GoldenRun run = new("dense-bf16", new MatMulOnlyBackend(), new CpuBackend());
        run.Logits();
        Dictionary<string, LedgerRow> rows = run.Engine.Ledger.Rows.ToDictionary(r => r.Op);
        Assert.Equal(
            ["add", "attention", "expanded weights", "gather_rows", "qk_norm_rope", "rms_norm", "scatter_rows", "swiglu"],
            rows.Keys.Select(k => k == "binary" ? "add" : k).Order());
        Assert.All(rows.Values.Where(r => r.Count > 0), r => Assert.Equal("only matmul runs here", r.Reason));
        Assert.All(rows.Values.Where(r => r.Op is "attention" or "rms_norm" or "expanded weights"), r => Assert.True(r.Bytes > 0, r.Op));
        Assert.InRange(rows.Values.Sum(r => r.FlopShare), 0.1, 0.9);
        Assert.Equal(7, run.Engine.Ledger.KernelsFromResident);
    }

    [Fact]
    public void Without_consent_the_refusal_names_the_ops_and_the_option()
    {
        var refusal = Assert.Throws<HostFallbackException>(() => new GoldenRun("dense-tied-f32", new MatMulOnlyBackend()));
        Assert.Contains("--host-fallback", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("attention (only matmul runs here)", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("matmul (", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("linear", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_example_that_vendors_read_has_at_most_150_lines()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at!.FullName, "HeteroQwen.sln")))
        {
            at = at.Parent;
        }

        string example = Path.Combine(at.FullName, "tests", "HeteroQwen.ToyBackends", "MatMulOnlyBackend.cs");
        Assert.InRange(File.ReadLines(example).Count(), 1, 150);
    }
}
