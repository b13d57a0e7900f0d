// The tabs of a first visit. They run as they are against the demo data.

const viewerAndProjects = `# Who am I, and which projects do I see?
query ViewerAndProjects {
  viewer {
    id
    username
    role
  }
  projects(first: 10) {
    nodes {
      id
      title
      taskCount
      annotationCount
    }
  }
}
`;

const tasksWithAnnotations = `# Tasks, and who annotated them.
# Next page: tasks(first: 5, after: endCursor)
query TasksWithAnnotations {
  tasks(first: 5) {
    nodes {
      id
      data
      isLabeled
      annotations(first: 5) {
        nodes {
          id
          version
          createdUsername
          createdAgo
          regionCount
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const updateAnnotation = `# Changes the fields named in the variables below,
# and leaves the others as they are.
mutation UpdateAnnotation(
  $id: ID!
  $input: UpdateAnnotationInput!
) {
  updateAnnotation(id: $id, input: $input) {
    id
    version
    result
    leadTime
    groundTruth
    lastAction
    updatedAt
    updatedAgo
    createdAgo
    createdUsername
  }
}
`;

const annotationHistory = `# Each change of an annotation: what, when, by whom.
query AnnotationHistory {
  annotation(id: "1") {
    id
    version
    history(first: 10) {
      nodes {
        version
        action
        createdAt
        changedFields
        actor {
          username
        }
      }
    }
  }
}
`;

const annotationEvents = `# What happens to annotation 1, as it happens.
# Press play, then run UpdateAnnotation in another
# browser tab: going to another tab here stops it.
# To go on behind an event:
#   annotationEvents(after: "its cursor", ...)
subscription AnnotationEvents {
  annotationEvents(
    filter: { annotationId: { eq: "1" } }
  ) {
    cursor
    action
    annotationId
    version
    changedFields
    at
    actor {
      username
    }
    annotation {
      version
      leadTime
      updatedAgo
    }
  }
}
`;

export const examples = [
  { query: viewerAndProjects },
  { query: tasksWithAnnotations },
  { query: updateAnnotation, variables: JSON.stringify({ id: '1', input: { leadTime: 12.5 } }, null, 2) },
  { query: annotationHistory },
  { query: annotationEvents },
];
