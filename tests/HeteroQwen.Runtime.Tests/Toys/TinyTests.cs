using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.ToyBackends;

namespace HeteroQwen.Runtime.Tests.Toys;

/// <summary>The bundled models answer on the toy devices.</summary>
public sealed class TinyTests
{
    /// <summary>"Which country has Paris as its capital?" in the chat template, without thinking.</summary>
    private static readonly int[] s_question =
        [1511, 269, 198, 556, 555, 551, 1234, 345, 554, 335, 30, 1512, 198, 1511, 268, 198, 1534, 256, 1535, 256];

    /// <summary>"Paris is the capital of France."</summary>
    private static readonly int[] s_answer = [1334, 282, 284, 335, 351, 1120, 13, 1512];

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void Bundled_model_answers_with_its_products_on_the_toy_and_the_ledger_says_where_the_rest_ran(string model)
    {
        using ModelRun run = new(BundledModels.PathOf(model), new MatMulOnlyBackend(), new CpuBackend());
        Assert.Equal(s_answer, Answer(run.Engine));
        LedgerRow attention = Assert.Single(run.Engine.Ledger.Rows, r => r.Op == "attention");
        Assert.Equal(model == "tiny" ? 4 : 3, attention.Count);
        Assert.True(attention.Bytes > 0);
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny-moe")]
    public void Bundled_model_answers_on_the_late_device_by_itself(string model)
    {
        Assert.True(new CpuBackend().Open(0, Attributes.Empty, out IDevice? cpu).IsOk);
        using (cpu)
        {
            LateBackend late = new(cpu!, new());
            using ModelRun run = new(BundledModels.PathOf(model), late);
            Assert.Equal(s_answer, Answer(run.Engine));
            Assert.DoesNotContain(run.Engine.Ledger.Rows, r => r.Count > 0);
            Assert.Empty(late.Violations);
        }
    }

    private static IReadOnlyList<int> Answer(Engine engine) =>
        Generator.Run(engine, new GenerationRequest(s_question), TestContext.Current.CancellationToken).Ids;
}
