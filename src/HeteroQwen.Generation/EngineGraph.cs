using HeteroQwen.Ir;
using HeteroQwen.Models;
using HeteroQwen.Runtime;

namespace HeteroQwen.Generation;

/// <summary>What a model becomes on a device before it is lowered: its graph, its KV pool, and how a session of it runs.</summary>
public sealed record EngineGraph
{
    /// <param name="model">Configuration and weights; only types and sizes are read.</param>
    /// <param name="device">Where it is to run.</param>
    /// <param name="options">Precision, sizes and consents.</param>
    /// <exception cref="UserErrorException">The device cannot do what is asked, or has too little memory.</exception>
    public EngineGraph(IModelSource model, Device device, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        Plan = EnginePlan.Choose(model, device.Id, device.Capabilities, options, type => KvTypes.Holds(model, device, options, type));
        Graph = Qwen3Graph.Build(model.Config, name => model.Get(name).Type, Plan.Kv);
        Session = new SessionOptions
        {
            Precision = options.Precision,
            Maxima = Plan.Sizes.Maxima,
            AllowHostFallback = options.AllowHostFallback,
            Fuse = options.Fuse,
            Profile = options.Profile,
        };
    }

    public Graph Graph { get; }

    public SessionOptions Session { get; }

    public KvLayout Kv => Plan.Kv;

    internal EnginePlan Plan { get; }
}
