using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Generation.Tests;

public sealed class EngineTests : IDisposable
{
    private const string Name = "dense-tied-f32";
    private readonly int[] _tokens = GoldenLogits.Load(Name).Tokens;
    private readonly OpenModel _model;

    public EngineTests()
    {
        Opening opening = GeneratorTests.Opened(context: 32);
        _model = OpenModel.Golden(Name, opening with { Options = opening.Options with { MaxSequences = 2 } });
    }

    private Engine Engine => _model.Engine;

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Step_without_room_in_the_pool_is_refused_and_leaves_every_sequence_as_it_was()
    {
        using Sequence first = Engine.NewSequence();
        using Sequence second = Engine.NewSequence();
        _model.Step((first, _tokens[..7]));
        Assert.Throws<PoolExhaustedException>(() => _model.Step((first, _tokens[..10]), (second, _tokens[..16])));
        Assert.Equal((7, 0, 3), (first.Length, second.Length, Engine.FreePages));
        _model.Step((first, _tokens[..10]), (second, _tokens[..8]));
        Assert.Equal((17, 8, 0), (first.Length, second.Length, Engine.FreePages));
    }

    [Fact]
    public void Step_beyond_the_context_of_a_sequence_is_refused_with_both_numbers()
    {
        using Sequence sequence = Engine.NewSequence();
        _model.Step((sequence, _tokens));
        UserErrorException e = Assert.Throws<UserErrorException>(() => _model.Step((sequence, _tokens[..9])));
        Assert.Contains("33", e.Message, StringComparison.Ordinal);
        Assert.Contains("32", e.Message, StringComparison.Ordinal);
        Assert.Equal(24, sequence.Length);
    }

    [Fact]
    public void Step_refuses_a_sequence_twice_one_without_tokens_and_one_of_another_engine()
    {
        using Sequence sequence = Engine.NewSequence();
        using OpenModel other = OpenModel.Golden(Name, GeneratorTests.Opened(context: 32));
        using Sequence foreign = other.Engine.NewSequence();
        Assert.Throws<ArgumentException>(() => _model.Step((sequence, [1]), (sequence, [2])));
        Assert.Throws<ArgumentException>(() => _model.Step((sequence, [])));
        Assert.Throws<ArgumentException>(() => _model.Step((foreign, [1])));
        Assert.Throws<ArgumentException>(() => _model.Step());
    }

    [Fact]
    public void Step_returns_only_the_rows_asked_for()
    {
        float[][] whole = _model.Logits(_tokens);
        using Sequence sequence = Engine.NewSequence();
        Assert.True(Engine.Step([new StepItem(sequence, _tokens.AsMemory(0, 20), RowsWanted.None)]).IsEmpty);
        float[] last = Engine.Step([new StepItem(sequence, _tokens.AsMemory(20), RowsWanted.Last)]).ToArray();
        OpenModel.AssertSameBits([whole[^1]], [last]);
    }

    [Fact]
    public void Step_allocates_nothing_once_it_has_run_with_its_bindings()
    {
        using Sequence sequence = Engine.NewSequence();
        StepItem[] items = [new(sequence, _tokens.AsMemory(0, 1), RowsWanted.Last)];
        long Allocated(int entries)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < entries; i++)
            {
                Engine.Step(items);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Allocated(30);
        sequence.Truncate(0);
        Assert.Equal(0, Allocated(30));
    }
}
