using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Runtime.Tests.Toys;

/// <summary>A golden model opened on a backend, with what it must give.</summary>
internal sealed class GoldenRun(string model, IBackend backend, IBackend? host = null, EngineOptions? options = null)
    : ModelRun(TestData.Path($"hf/{model}"), backend, host, options)
{
    public GoldenLogits Golden { get; } = GoldenLogits.Load(model);

    /// <summary>Logits of all positions, row by row.</summary>
    public float[] Logits(int? chunk = null)
    {
        List<float> all = [];
        TeacherForced.Run(Engine, Golden.Tokens, (_, row) => all.AddRange(row), chunk);
        return [.. all];
    }

    /// <summary>The largest distance from the float64 truth.</summary>
    public double Distance(float[] logits)
    {
        double most = 0;
        for (int row = 0; row < Golden.Rows.Length; row++)
        {
            ReadOnlySpan<double> truth = Golden.Row(row);
            for (int i = 0; i < Golden.Vocab; i++)
            {
                most = Math.Max(most, Math.Abs(logits[(Golden.Rows[row] * Golden.Vocab) + i] - truth[i]));
            }
        }

        return most;
    }
}
