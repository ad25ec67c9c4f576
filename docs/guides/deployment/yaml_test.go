package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// object is what the test reads of an object of Kubernetes.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		ClusterIP string         `yaml:"clusterIP"`
		Selector  map[string]any `yaml:"selector"`
		Ports     []struct {
			Name       string
			TargetPort string `yaml:"targetPort"`
		}
		Template struct {
			Metadata struct{ Labels map[string]any }
			Spec     struct {
				TerminationGracePeriodSeconds int `yaml:"terminationGracePeriodSeconds"`
				Containers                    []struct {
					Env            []struct{ Name, Value string }
					Ports          []struct{ Name string }
					ReadinessProbe probe `yaml:"readinessProbe"`
					LivenessProbe  probe `yaml:"livenessProbe"`
				}
			}
		}
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

func objects(t *testing.T) map[string]object {
	t.Helper()
	text, err := os.ReadFile("chat.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]object{}
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found[o.Kind+" "+o.Metadata.Name] = o
	}
}

func TestKubernetesIsToldWhatTheProgramAsks(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, call := range regexp.MustCompile(`os\.Getenv\("(\w+)"\)`).FindAllStringSubmatch(string(source), -1) {
		want[call[1]] = true
	}
	got := map[string]bool{}
	for _, variable := range objects(t)["Deployment chat"].Spec.Template.Spec.Containers[0].Env {
		got[variable.Name] = true
	}
	if len(want) == 0 || !maps.Equal(got, want) {
		t.Errorf("the deployment sets %v, the program reads %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestKubernetesReferencesHaveTargets(t *testing.T) {
	all := objects(t)
	pod := all["Deployment chat"].Spec.Template
	var ports []string
	for _, p := range pod.Spec.Containers[0].Ports {
		ports = append(ports, p.Name)
	}
	for _, name := range []string{"Service chat", "Service chat-nodes"} {
		service := all[name].Spec
		if len(service.Selector) == 0 || !maps.Equal(service.Selector, pod.Metadata.Labels) {
			t.Errorf("%s selects %v, pods have %v", name, service.Selector, pod.Metadata.Labels)
		}
		if !slices.Contains(ports, service.Ports[0].TargetPort) {
			t.Errorf("%s leads to the port %q, pods have %v", name, service.Ports[0].TargetPort, ports)
		}
	}
	for _, p := range []probe{pod.Spec.Containers[0].ReadinessProbe, pod.Spec.Containers[0].LivenessProbe} {
		if !slices.Contains(ports, p.HTTPGet.Port) {
			t.Errorf("%s is asked at the port %q, pods have %v", p.HTTPGet.Path, p.HTTPGet.Port, ports)
		}
	}
	if grace := pod.Spec.TerminationGracePeriodSeconds; float64(grace) < shutdownTimeout.Seconds()+5 {
		t.Errorf("pods get %d s to end, less than preStop and the program take", grace)
	}
}
