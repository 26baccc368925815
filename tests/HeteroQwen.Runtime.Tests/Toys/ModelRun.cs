using HeteroQwen.Backends;
using HeteroQwen.Generation;
using HeteroQwen.Ir;
using HeteroQwen.Models;

namespace HeteroQwen.Runtime.Tests.Toys;

/// <summary>A model opened on a backend; with another as its host, to which work may fall back.</summary>
internal class ModelRun : IDisposable
{
    private readonly IModelSource _model;
    private readonly Device _device;
    private readonly Device? _host;

    public ModelRun(string model, IBackend backend, IBackend? host = null, EngineOptions? options = null)
    {
        _model = ModelSource.Open(model);
        _device = Device.Open(backend, 0, Attributes.Empty);
        _host = host is null ? null : Device.Open(host, 0, Attributes.Empty);
        options ??= new EngineOptions { Precision = Precision.Exact, Context = 256, AllRows = true };
        Engine = Engine.Open(_model, _device, _host, options with { AllowHostFallback = host is not null });
    }

    public Engine Engine { get; }

    public void Dispose()
    {
        Engine.Dispose();
        _device.Dispose();
        _host?.Dispose();
        _model.Dispose();
    }
}
