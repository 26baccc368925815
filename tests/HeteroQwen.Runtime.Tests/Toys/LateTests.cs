using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.ToyBackends;

namespace HeteroQwen.Runtime.Tests.Toys;

/// <summary>
/// Nothing in the runtime assumes a synchronous device or one whose memory the host reaches: a model gives the same bits on the late
/// device, which is strict about the contract and pads, as on the device that computes for it.
/// </summary>
public sealed class LateTests : IDisposable
{
    private readonly IDevice _inner;

    public LateTests()
    {
        new ReferenceBackend().Open(0, Attributes.Empty, out IDevice? inner);
        _inner = inner!;
    }

    public void Dispose() => _inner.Dispose();

    [Theory]
    [InlineData("dense-tied-f32", null)]
    [InlineData("dense-tied-f32", 7)]
    [InlineData("dense-untied-f32-sharded", 5)]
    [InlineData("dense-f16", null)]
    [InlineData("dense-outlier-f32", null)]
    [InlineData("dense-yarn-f32", 9)]
    [InlineData("moe-bf16", null)]
    [InlineData("moe-f32", 3)]
    [InlineData("moe-mixed-f32", null)]
    public void Model_on_the_late_device_gives_the_bits_of_the_reference(string model, int? chunk)
    {
        LateBackend late = new(_inner, new());
        using GoldenRun run = new(model, late);
        RequireSameBits(model, run.Logits(chunk), late);
        Assert.Contains(late.Launches.Keys, b => b.B == 2);
        Assert.Empty(run.Engine.Ledger.Rows);
    }

    [Theory]
    [InlineData("dense-tied-f32", 5)]
    [InlineData("moe-f32", 11)]
    public void Model_on_a_late_device_whose_rows_fit_no_dimension_gives_the_bits_of_the_reference(string model, int? chunk)
    {
        // The largest buffer holds the logits of 256 rows and nothing else, so that the arena is in several.
        LateBackend late = new(_inner, new() { RowMultiple = 40, LengthAlignment = 512, LargestBuffer = 256 * 320 * sizeof(float) });
        using GoldenRun run = new(model, late);
        RequireSameBits(model, run.Logits(chunk), late);
    }

    [Theory]
    [InlineData("dense-tied-f32", "linear,attention,scatter_rows")]
    [InlineData("dense-tied-f32", "rms_norm,swiglu,binary,copy")]
    [InlineData("moe-f32", "moe_ffn,gather_rows,copy")]
    [InlineData("moe-mixed-f32", "matmul,binary,unary,reduce,gather_rows,scatter_rows,copy,top_k")]
    public void Model_shared_by_the_late_device_and_the_host_gives_the_bits_of_the_reference(string model, string ops)
    {
        string[] runs = ops.Split(',');
        LateBackend late = new(_inner, new() { Runs = op => runs.Contains(op.Name) });
        using GoldenRun run = new(model, late, new ReferenceBackend());
        float[] logits = run.Logits(6);
        if (runs.Contains("matmul"))
        {
            // Decomposed composites are rounded between their ops: within the bound, not bit for bit.
            Assert.InRange(run.Distance(logits), 0, 1e-4);
            Assert.Empty(late.Violations);
        }
        else
        {
            RequireSameBits(model, logits, late);
        }

        Assert.DoesNotContain(run.Engine.Ledger.Rows, r => runs.Contains(r.Op));
    }

    [Fact]
    public void Failure_of_late_work_comes_out_where_the_step_is_waited_for_and_names_device_and_op()
    {
        LateBackend late = new(_inner, new()) { FailNext = "attention" };
        using GoldenRun run = new("dense-tied-f32", late);
        BackendException failure = Assert.Throws<BackendException>(() => run.Logits());
        Assert.Equal(StatusCode.LaunchFailed, failure.Code);
        Assert.Contains("late:0", failure.Message, StringComparison.Ordinal);
        Assert.Contains("attention(", failure.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => run.Logits());
        Assert.Empty(late.Violations);
    }

    [Fact]
    public void Step_without_logits_is_not_waited_for_and_its_failure_comes_with_the_next()
    {
        LateBackend late = new(_inner, new() { Delay = TimeSpan.FromMinutes(10) }) { FailNext = "swiglu" };
        using GoldenRun run = new("dense-tied-f32", late);
        using Sequence sequence = run.Engine.NewSequence();
        run.Engine.Step([new StepItem(sequence, run.Golden.Tokens.AsMemory(0, 4), RowsWanted.None)]);
        Assert.NotNull(late.FailNext);
        int[] next = [run.Golden.Tokens[4]];
        Assert.Throws<BackendException>(() => { run.Engine.Step([new StepItem(sequence, next, RowsWanted.Last)]); });
        Assert.Empty(late.Violations);
    }

    [Fact]
    public void Engine_closed_while_a_step_is_under_way_waits_for_it_and_releases_each_handle_once()
    {
        LateBackend late = new(_inner, new() { Delay = TimeSpan.FromMinutes(10) });
        using (GoldenRun run = new("dense-tied-f32", late))
        using (Sequence sequence = run.Engine.NewSequence())
        {
            run.Engine.Step([new StepItem(sequence, run.Golden.Tokens.AsMemory(0, 4), RowsWanted.None)]);
        }

        Assert.NotEmpty(late.Launches);
        Assert.Empty(late.Violations);
    }

    [Fact]
    public void Output_that_is_computed_early_is_kept_until_the_end_of_the_step()
    {
        GraphBuilder builder = new("early");
        Value x = builder.Input("x", new(ElementType.F32, Dim.T, 8));
        builder.Output("early", builder.Binary("add", x, x));
        Value y = x;
        for (int i = 0; i < 4; i++)
        {
            y = builder.Binary("mul", y, x);
        }

        builder.Output("last", y);
        LateBackend late = new(_inner, new());
        using Device device = Device.Open(late, 0, Attributes.Empty);
        Bindings maxima = new(4, 1, 1, 1);
        SessionOptions options = new() { Precision = Precision.Exact, Maxima = maxima };
        using Session session = Session.Create(builder.Build(), _ => throw new InvalidOperationException(), device, null, options);
        session.Input<float>("x")[..24].Fill(2);
        session.Run(maxima with { T = 3 });
        Assert.Equal(Enumerable.Repeat(4f, 24), session.Output("early").ToArray());
        Assert.Equal(Enumerable.Repeat(32f, 24), session.Output("last").ToArray());
        Assert.Empty(late.Violations);
    }

    [Fact]
    public void Sequences_that_share_a_page_part_and_run_on_in_one_step_give_the_bits_of_each_alone()
    {
        LateBackend late = new(_inner, new());
        EngineOptions options = new() { Precision = Precision.Exact, Context = 256, MaxSequences = 2 };
        using GoldenRun run = new("dense-tied-f32", late, options: options);
        using Sequence first = run.Engine.NewSequence();
        run.Engine.Step([new StepItem(first, run.Golden.Tokens.AsMemory(0, 18), RowsWanted.None)]);
        using Sequence second = first.Fork();
        int[] other = [run.Golden.Tokens[3]];
        ReadOnlySpan<float> both = run.Engine.Step(
            [new StepItem(first, run.Golden.Tokens.AsMemory(18, 5), RowsWanted.Last), new StepItem(second, other, RowsWanted.Last)]);
        float[] logits = both.ToArray();

        int vocab = run.Golden.Vocab;
        Assert.Equal(Last([.. run.Golden.Tokens[..23]]), logits[..vocab]);
        Assert.Equal(Last([.. run.Golden.Tokens[..18], .. other]), logits[vocab..]);
        Assert.Empty(late.Violations);

        float[] Last(int[] tokens)
        {
            using GoldenRun alone = new("dense-tied-f32", new ReferenceBackend());
            using Sequence sequence = alone.Engine.NewSequence();
            return alone.Engine.Step([new StepItem(sequence, tokens, RowsWanted.Last)]).ToArray();
        }
    }

    [Fact]
    public void Results_in_the_place_of_operands_do_no_harm_on_the_late_device()
    {
        Assert.True(new CpuBackend().Open(0, Attributes.Empty, out IDevice? cpu).IsOk);
        using (cpu)
        {
            LateBackend late = new(cpu!, new());
            using GoldenRun run = new("moe-mixed-f32", late);
            Assert.InRange(run.Distance(run.Logits(9)), 0, 1e-4);
            Assert.Empty(late.Violations);
        }
    }

    private static void RequireSameBits(string model, float[] logits, LateBackend late)
    {
        Assert.Empty(late.Violations);
        using GoldenRun reference = new(model, new ReferenceBackend());
        Assert.Equal(reference.Logits().Select(BitConverter.SingleToInt32Bits), logits.Select(BitConverter.SingleToInt32Bits));
    }
}
