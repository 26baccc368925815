using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Runtime.Tests.Toys;

/// <summary>A golden model opened on a backend, with another as its host.</summary>
internal sealed class GoldenRun : IDisposable
{
    private readonly HuggingFaceFolder _model;
    private readonly Device _device;
    private readonly Device? _host;

    public GoldenRun(string model, IBackend backend, IBackend? host = null, EngineOptions? options = null)
    {
        Golden = GoldenLogits.Load(model);
        _model = HuggingFaceFolder.Open(TestData.Path($"hf/{model}"));
        _device = Device.Open(backend, 0, Attributes.Empty);
        _host = host is null ? null : Device.Open(host, 0, Attributes.Empty);
        options ??= new EngineOptions { Precision = Precision.Exact, Context = 256, AllRows = true, AllowHostFallback = host is not null };
        Engine = Engine.Open(_model, _device, _host, options);
    }

    public GoldenLogits Golden { get; }

    public Engine Engine { get; }

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

    public void Dispose()
    {
        Engine.Dispose();
        _device.Dispose();
        _host?.Dispose();
        _model.Dispose();
    }
}
